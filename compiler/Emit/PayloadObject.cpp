//===- PayloadObject.cpp - weights as an ELF object, written as they come ---===//

#include "compiler/Emit/PayloadObject.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace llvm::ELF;

namespace halftone::emit {

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kLarge = 0x10000000; // SHF_X86_64_LARGE
enum Section : uint16_t { Null, Payload, Note, SymbolTable, Strings, SectionNames, Count };

template <typename T>
void writeStruct(llvm::raw_ostream &os, const T &value) {
  os.write(reinterpret_cast<const char *>(&value), sizeof(T));
}

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

} // namespace

PayloadObject::PayloadObject(llvm::raw_fd_ostream &os, llvm::StringRef symbol, uint64_t size)
    : os(os), symbol(symbol), size(size) {
  // The header is written last, when the tables' place is known.
  os.write_zeros(kPage);
}

llvm::Error PayloadObject::append(uint64_t offset, llvm::ArrayRef<char> bytes) {
  if (offset < written || bytes.size() > size || offset > size - bytes.size())
    return llvm::createStringError("weights were not laid out in the order they are made");
  for (; written < offset; written += std::min<uint64_t>(offset - written, kPage))
    os.write_zeros(std::min<uint64_t>(offset - written, kPage));
  os.write(bytes.data(), bytes.size());
  written += bytes.size();
  return os.has_error() ? llvm::errorCodeToError(os.error()) : llvm::Error::success();
}

llvm::Error PayloadObject::finish() {
  os.write_zeros(size - written);
  uint64_t position = kPage + size;
  auto align = [&] {
    uint64_t next = llvm::alignTo(position, 8);
    os.write_zeros(next - position);
    position = next;
  };
  align();

  StringTable strings, names;
  Elf64_Sym symbols[2] = {};
  symbols[1].st_name = strings.add(symbol);
  symbols[1].st_shndx = Payload;
  symbols[1].st_size = size;
  symbols[1].setBindingAndType(STB_GLOBAL, STT_OBJECT);
  symbols[1].st_other = STV_HIDDEN;
  uint64_t symbolsAt = position;
  os.write(reinterpret_cast<const char *>(symbols), sizeof(symbols));
  position += sizeof(symbols);

  Elf64_Shdr headers[Count] = {};
  headers[Payload].sh_name = names.add(".lrodata.halftone");
  headers[Payload].sh_type = SHT_PROGBITS;
  headers[Payload].sh_flags = SHF_ALLOC | kLarge;
  headers[Payload].sh_offset = kPage;
  headers[Payload].sh_size = size;
  headers[Payload].sh_addralign = kPage;
  // Says that this object needs no executable stack.
  headers[Note].sh_name = names.add(".note.GNU-stack");
  headers[Note].sh_type = SHT_PROGBITS;
  headers[Note].sh_offset = symbolsAt;
  headers[Note].sh_addralign = 1;
  headers[SymbolTable].sh_name = names.add(".symtab");
  headers[SymbolTable].sh_type = SHT_SYMTAB;
  headers[SymbolTable].sh_offset = symbolsAt;
  headers[SymbolTable].sh_size = sizeof(symbols);
  headers[SymbolTable].sh_link = Strings;
  headers[SymbolTable].sh_info = 1; // The first global symbol.
  headers[SymbolTable].sh_addralign = 8;
  headers[SymbolTable].sh_entsize = sizeof(Elf64_Sym);
  headers[Strings].sh_name = names.add(".strtab");
  headers[Strings].sh_type = SHT_STRTAB;
  headers[Strings].sh_offset = position;
  headers[Strings].sh_size = strings.bytes.size();
  headers[Strings].sh_addralign = 1;
  os << strings.bytes;
  position += strings.bytes.size();
  headers[SectionNames].sh_name = names.add(".shstrtab");
  headers[SectionNames].sh_type = SHT_STRTAB;
  headers[SectionNames].sh_offset = position;
  headers[SectionNames].sh_size = names.bytes.size();
  headers[SectionNames].sh_addralign = 1;
  os << names.bytes;
  position += names.bytes.size();
  align();
  uint64_t headersAt = position;
  os.write(reinterpret_cast<const char *>(headers), sizeof(headers));

  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ElfMagic, 4);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_shoff = headersAt;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = Count;
  header.e_shstrndx = SectionNames;
  os.seek(0);
  writeStruct(os, header);
  os.flush();
  return os.has_error() ? llvm::errorCodeToError(os.error()) : llvm::Error::success();
}

} // namespace halftone::emit
