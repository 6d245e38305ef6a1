//===- PayloadObject.cpp - the place of weights as an ELF object ------------===//

#include "compiler/Emit/PayloadObject.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace llvm::ELF;

namespace halftone::emit {

namespace {

constexpr uint64_t kLarge = 0x10000000; // SHF_X86_64_LARGE
enum Section : uint16_t { Null, Payload, Note, SymbolTable, Strings, SectionNames, Count };

/// A string table whose offsets are asked for by content.
class StringTable {
public:
  uint32_t add(llvm::StringRef text) {
    uint32_t offset = bytes.size();
    bytes.append(text.str()).push_back('\0');
    return offset;
  }
  std::string bytes{'\0'};
};

/// Contents behind each other, and where each of them is.
class Image {
public:
  template <typename T>
  uint64_t append(const T *values, size_t count) {
    bytes.resize(llvm::alignTo(bytes.size(), 8));
    uint64_t offset = bytes.size();
    bytes.append(reinterpret_cast<const char *>(values), sizeof(T) * count);
    return offset;
  }
  std::string bytes;
};

} // namespace

void writePayloadObject(llvm::raw_ostream &os, llvm::StringRef symbol, uint64_t size, uint64_t alignment,
                        bool reserved) {
  StringTable strings, names;
  Elf64_Sym symbols[2] = {};
  symbols[1].st_name = strings.add(symbol);
  symbols[1].st_shndx = Payload;
  symbols[1].st_size = size;
  symbols[1].setBindingAndType(STB_GLOBAL, STT_OBJECT);
  symbols[1].st_other = STV_HIDDEN;

  Elf64_Shdr headers[Count] = {};
  headers[Payload].sh_name = names.add(".lrodata.halftone");
  headers[Payload].sh_type = reserved ? SHT_NOBITS : SHT_PROGBITS;
  headers[Payload].sh_flags = SHF_ALLOC | kLarge;
  headers[Payload].sh_offset = kPayloadObjectStart;
  headers[Payload].sh_size = size;
  headers[Payload].sh_addralign = alignment;
  // Says that this object needs no executable stack.
  headers[Note].sh_name = names.add(".note.GNU-stack");
  headers[Note].sh_type = SHT_PROGBITS;
  headers[Note].sh_addralign = 1;
  headers[SymbolTable].sh_name = names.add(".symtab");
  headers[SymbolTable].sh_type = SHT_SYMTAB;
  headers[SymbolTable].sh_size = sizeof(symbols);
  headers[SymbolTable].sh_link = Strings;
  headers[SymbolTable].sh_info = 1; // The first global symbol.
  headers[SymbolTable].sh_addralign = 8;
  headers[SymbolTable].sh_entsize = sizeof(Elf64_Sym);
  headers[Strings].sh_name = names.add(".strtab");
  headers[Strings].sh_type = SHT_STRTAB;
  headers[Strings].sh_size = strings.bytes.size();
  headers[Strings].sh_addralign = 1;
  headers[SectionNames].sh_name = names.add(".shstrtab");
  headers[SectionNames].sh_type = SHT_STRTAB;
  headers[SectionNames].sh_size = names.bytes.size();
  headers[SectionNames].sh_addralign = 1;

  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ElfMagic, 4);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = Count;
  header.e_shstrndx = SectionNames;

  Image image;
  image.append(&header, 1);
  headers[Note].sh_offset = headers[SymbolTable].sh_offset = image.append(symbols, std::size(symbols));
  headers[Strings].sh_offset = image.append(strings.bytes.data(), strings.bytes.size());
  headers[SectionNames].sh_offset = image.append(names.bytes.data(), names.bytes.size());
  header.e_shoff = image.append(headers, std::size(headers));
  std::memcpy(image.bytes.data(), &header, sizeof(header));
  image.bytes.resize(kPayloadObjectStart);
  os << image.bytes;
}

} // namespace halftone::emit
