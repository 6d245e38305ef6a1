//===- Emit.cpp - a lowered module becomes a program ------------------------===//

#include "compiler/Emit/Emit.h"

#include "compiler/Emit/Descriptor.h"
#include "compiler/Emit/Files.h"
#include "compiler/Emit/Header.h"
#include "compiler/Emit/Object.h"
#include "compiler/Emit/PayloadObject.h"
#include "compiler/Emit/PayloadSegment.h"
#include "compiler/Evaluate/WeightStream.h"
#include "dialects/HTK/HTKDialect.h"

#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Threading.h"

#include <fstream>
#include <malloc.h>
#include <mutex>
#include <unistd.h>

namespace halftone::emit {

OutputKind getOutputKind(llvm::StringRef path) {
  llvm::StringRef suffix = llvm::sys::path::extension(path);
  return suffix == ".so" ? OutputKind::SharedLibrary : suffix == ".o" ? OutputKind::Object : OutputKind::Executable;
}

namespace {

constexpr llvm::StringLiteral kPayloadSymbol = "halftone_payload";
/// Puts large constants behind all else, so that no other section shares their segment.
constexpr llvm::StringLiteral kOwnSegment = "-Wl,-z,lrodata-after-bss";

/// What this process has allocated; files that it has mapped do not count.
uint64_t getAllocatedBytes() {
  malloc_trim(0);
  uint64_t all = 0, resident = 0, shared = 0;
  std::ifstream("/proc/self/statm") >> all >> resident >> shared;
  return (resident - std::min(resident, shared)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

class Emitter {
public:
  Emitter(mlir::ModuleOp module, const EmitOptions &options)
      : module(module), options(options), kind(getOutputKind(options.output)) {}

  llvm::Expected<EmitResult> run() {
    if (llvm::Error error = describe())
      return std::move(error);
    llvm::json::Object info = options.buildInfo;
    description.buildInfo = llvm::formatv("{0}", llvm::json::Value(std::move(info))).str();

    takeWeights();
    if (llvm::Error error = addObject([&](llvm::raw_pwrite_stream &os) {
          writePayloadObject(os, kPayloadSymbol, getPayloadSize(), getPayloadAlignment(getPayloadSize()),
                             /*reserved=*/kind != OutputKind::Object);
          return llvm::Error::success();
        }))
      return std::move(error);
    EmitResult result;
    for (unsigned i = 0; i < levels.size(); ++i) {
      progress("generating code for " + options.cpus[i].name);
      if (llvm::Error error = addObject([&](llvm::raw_pwrite_stream &os) { return writeLevel(i, os); }))
        return std::move(error);
      uint64_t bytes = 0;
      llvm::sys::fs::file_size(objects.back().getPath(), bytes);
      result.codeBytes += bytes;
      result.arenaBytes = std::max(result.arenaBytes, description.levels[i].arenaBytes);
    }
    if (llvm::Error error = addObject([&](llvm::raw_pwrite_stream &os) { return writeDescriptor(os); }))
      return std::move(error);
    // A linker may be asked to join objects once more: these hold their weights.
    if (kind == OutputKind::Object)
      if (llvm::Error error = writeWeights(objects.front().getPath()))
        return std::move(error);
    progress("linking");
    auto linked = TemporaryFile::create(options.output, "tmp");
    if (!linked)
      return linked.takeError();
    if (llvm::Error error = linked->close())
      return std::move(error);
    if (llvm::Error error = link(linked->getPath()))
      return std::move(error);
    if (kind != OutputKind::Object)
      if (llvm::Error error = writeWeights(linked->getPath()))
        return std::move(error);

    result.payloadBytes = description.payloadBytes;
    if (kind != OutputKind::Executable) {
      llvm::SmallString<128> path(options.output);
      llvm::sys::path::replace_extension(path, ".h");
      auto header = TemporaryFile::create(path, "tmp");
      if (!header)
        return header.takeError();
      if (llvm::Error error = writeHeader(*header->getStream(), description, HALFTONE_API_HEADERS))
        return std::move(error);
      if (llvm::Error error = header->close())
        return std::move(error);
      if (llvm::Error error = header->keep(path))
        return std::move(error);
      result.header = path.str().str();
    } else {
      using llvm::sys::fs::perms;
      llvm::sys::fs::setPermissions(linked->getPath(), static_cast<perms>(llvm::sys::fs::all_read |
                                                                          llvm::sys::fs::owner_write |
                                                                          llvm::sys::fs::all_exe));
    }
    if (llvm::Error error = linked->keep(options.output))
      return std::move(error);
    return result;
  }

private:
  void progress(llvm::StringRef step) {
    if (options.progress)
      options.progress(step);
  }

  static int64_t getOffset(ht::WeightOp weight) {
    return weight->getAttrOfType<mlir::IntegerAttr>(htk::HTKDialect::kPayloadOffsetAttr).getInt();
  }

  /// In payload order.
  static std::vector<ht::WeightOp> getWeights(mlir::ModuleOp level) {
    auto weights = llvm::to_vector(level.getOps<ht::WeightOp>());
    llvm::sort(weights, [](ht::WeightOp a, ht::WeightOp b) { return getOffset(a) < getOffset(b); });
    return {weights.begin(), weights.end()};
  }

  /// Levels read one payload: they must agree on it.
  static bool haveEqualWeights(mlir::ModuleOp a, mlir::ModuleOp b) {
    return llvm::equal(getWeights(a), getWeights(b), [](ht::WeightOp x, ht::WeightOp y) {
      return x.getSymName() == y.getSymName() && x.getWeightType() == y.getWeightType() && getOffset(x) == getOffset(y);
    });
  }

  llvm::Error describe() {
    llvm::append_range(levels, module.getOps<mlir::ModuleOp>());
    if (levels.empty())
      return llvm::createStringError("the module has no levels: it has not been lowered");
    auto graph = describeGraph(levels.front());
    if (!graph)
      return graph.takeError();
    description = std::move(*graph);
    description.name = llvm::sys::path::stem(options.output).str();
    description.payloadBytes = getPayloadBytes(levels.front());
    description.text = options.text;
    for (mlir::ModuleOp level : levels) {
      auto described = describeLevel(level);
      if (!described)
        return described.takeError();
      unsigned i = description.levels.size();
      if (i >= options.cpus.size() || options.cpus[i].name != described->name)
        return llvm::createStringError("the module was lowered for '%s', which --cpu does not name in its place",
                                       described->name.c_str());
      if (!haveEqualWeights(level, levels.front()))
        return llvm::createStringError("internal error: the levels' weights differ");
      described->cpuFeatures = options.cpus[i].cpuFeatures;
      description.levels.push_back(std::move(*described));
    }
    if (levels.size() != options.cpus.size())
      return llvm::createStringError("the module was not lowered for '%s'", options.cpus[levels.size()].name.c_str());
    return llvm::Error::success();
  }

  /// Weights outlive the levels' modules, which become code.
  void takeWeights() {
    for (ht::WeightOp weight : getWeights(levels.front())) {
      weight->remove();
      weights.emplace_back(weight);
    }
  }

  /// No symbol lies at the end of its section.
  uint64_t getPayloadSize() const { return std::max<uint64_t>(1, description.payloadBytes); }

  /// Makes the weights and writes them to their place in `path`.
  llvm::Error writeWeights(llvm::StringRef path) {
    progress("making weights");
    auto nameOutput = [&](llvm::Error error) {
      return error ? llvm::createStringError("cannot write '%s': %s", options.output.c_str(),
                                             llvm::toString(std::move(error)).c_str())
                   : llvm::Error::success();
    };
    PayloadSegment segment;
    if (llvm::Error error =
            nameOutput(kind == OutputKind::Object ? segment.open(path, kPayloadObjectStart, getPayloadSize())
                                                  : segment.attach(path, getPayloadSize())))
      return error;

    auto order = llvm::map_to_vector(weights, [](auto &weight) { return *weight; });
    evaluate::WeightSource source(options.modelDirectory);
    evaluate::StreamOptions stream;
    stream.threads = options.threads ? options.threads : llvm::hardware_concurrency().compute_thread_count();
    stream.memory = options.memory;
    stream.otherMemory = options.memory ? getAllocatedBytes() : 0;
    auto sink = [&](ht::WeightOp weight, uint64_t offset, llvm::ArrayRef<char> bytes) {
      reportWritten(bytes.size());
      return nameOutput(segment.write(getOffset(weight) + offset, bytes));
    };
    mlir::MLIRContext &context = *module.getContext();
    bool wasThreaded = context.isMultithreadingEnabled();
    context.enableMultithreading();
    llvm::Error error = evaluate::streamWeights(order, source, sink, stream);
    context.enableMultithreading(wasThreaded);
    return error ? std::move(error) : nameOutput(segment.close());
  }

  /// Says at every tenth of the weights how many are there. Threads call it at once.
  void reportWritten(uint64_t bytes) {
    std::lock_guard<std::mutex> lock(writtenMutex);
    uint64_t before = written, tenth = llvm::divideCeil(getPayloadSize(), 10);
    written += bytes;
    if (written / tenth != before / tenth)
      progress(
          llvm::formatv("made {0:F1} of {1:F1} MB of weights", written / 1e6, getPayloadSize() / 1e6).str());
  }

  llvm::Error addObject(llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write) {
    auto file = TemporaryFile::create(options.output, "code.o");
    if (!file)
      return file.takeError();
    if (llvm::Error error = write(*file->getStream()))
      return error;
    objects.push_back(std::move(*file));
    return objects.back().close();
  }

  llvm::Error writeLevel(unsigned index, llvm::raw_pwrite_stream &os) {
    // What remains of the graph form has no meaning for LLVM.
    mlir::ModuleOp level = levels[index];
    for (auto weight : llvm::make_early_inc_range(level.getOps<ht::WeightOp>()))
      weight.erase();
    if (auto graph = level.lookupSymbol<mlir::func::FuncOp>("main"))
      graph.erase();
    for (llvm::StringRef name : {htk::HTKDialect::kCpuAttr, htk::HTKDialect::kFaultSitesAttr})
      level->removeAttr(name);
    if (mlir::Operation *step = level.lookupSymbol("step"))
      step->removeAttr(htk::HTKDialect::kArenaBytesAttr);

    llvm::LLVMContext context;
    std::unique_ptr<llvm::Module> ir = mlir::translateModuleToLLVMIR(level, context, description.name);
    if (!ir)
      return llvm::createStringError("internal error: the lowered module has operations that are not LLVM's");
    llvm::Function *step = ir->getFunction("step");
    step->setName(description.levels[index].step);
    step->setVisibility(llvm::GlobalValue::HiddenVisibility);
    return emitObject(*ir, options.cpus[index], os);
  }

  /// It is asked before a level is chosen, so it is code for any x86-64.
  llvm::Error writeDescriptor(llvm::raw_pwrite_stream &os) {
    llvm::LLVMContext context;
    llvm::Module ir(description.name, context);
    addDescriptor(ir, description, kPayloadSymbol);
    return emitObject(ir, target::getBaseline(), os);
  }

  /// The API's libraries, with all that they export: the second one for models that write.
  void addWhole(std::array<llvm::StringRef, 2> libraries, std::vector<llvm::StringRef> &arguments) {
    arguments.push_back("-Wl,--whole-archive");
    arguments.push_back(libraries[0]);
    if (description.isLanguageModel())
      arguments.push_back(libraries[1]);
    arguments.push_back("-Wl,--no-whole-archive");
  }

  llvm::Error link(llvm::StringRef output) {
    std::string runtime = options.runtimeLibraries + "/libhalftone_rt.a";
    std::string language = options.runtimeLibraries + "/libhalftone_rt_language.a";
    std::string main = options.runtimeLibraries + "/libhalftone_rt_main.a";
    std::vector<llvm::StringRef> arguments{options.linker, "-fuse-ld=lld"};
    for (const TemporaryFile &object : objects)
      arguments.push_back(object.getPath());
    switch (kind) {
    case OutputKind::Executable:
      llvm::append_range(arguments, llvm::ArrayRef<llvm::StringRef>{"-pie", main, language, runtime, "-lm",
                                                                    "-Wl,--gc-sections", "-Wl,--as-needed",
                                                                    "-Wl,-s", kOwnSegment});
      break;
    case OutputKind::SharedLibrary:
      arguments.push_back("-shared");
      addWhole({runtime, language}, arguments);
      llvm::append_range(arguments,
                         llvm::ArrayRef<llvm::StringRef>{"-lm", "-Wl,--gc-sections", "-Wl,--as-needed",
                                                         "-Wl,-z,defs", "-Wl,-s", kOwnSegment});
      break;
    case OutputKind::Object:
      llvm::append_range(arguments, llvm::ArrayRef<llvm::StringRef>{"-r", "-nostdlib"});
      addWhole({runtime, language}, arguments);
      break;
    }
    arguments.push_back("-o");
    arguments.push_back(output);
    return execute(arguments);
  }

  /// Runs the linker; its words become the error.
  llvm::Error execute(llvm::ArrayRef<llvm::StringRef> arguments) {
    auto program = llvm::sys::findProgramByName(arguments.front());
    if (!program)
      return llvm::createStringError("cannot find the linker driver '%s': install clang-22 and lld-22, or name a C "
                                     "compiler driver with --linker",
                                     arguments.front().str().c_str());
    auto log = TemporaryFile::create(options.output, "log");
    if (!log)
      return log.takeError();
    if (llvm::Error error = log->close())
      return error;
    std::string message;
    std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(), llvm::StringRef(log->getPath()),
                                                  llvm::StringRef(log->getPath())};
    int status = llvm::sys::ExecuteAndWait(*program, arguments, std::nullopt, redirects, 0, 0, &message);
    if (status == 0)
      return llvm::Error::success();
    if (auto text = llvm::MemoryBuffer::getFile(log->getPath()))
      message += (*text)->getBuffer().trim();
    return llvm::createStringError("cannot link '%s': %s", options.output.c_str(), message.c_str());
  }

  mlir::ModuleOp module;
  const EmitOptions &options;
  OutputKind kind;
  llvm::SmallVector<mlir::ModuleOp> levels;
  ProgramDescription description;
  std::vector<TemporaryFile> objects;
  std::vector<mlir::OwningOpRef<ht::WeightOp>> weights; ///< in payload order
  std::mutex writtenMutex;
  uint64_t written = 0; ///< bytes of weights
};

} // namespace

llvm::Expected<EmitResult> emitProgram(mlir::ModuleOp module, const EmitOptions &options) {
  return Emitter(module, options).run();
}

} // namespace halftone::emit
