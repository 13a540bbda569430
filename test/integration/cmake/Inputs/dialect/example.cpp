#include "dialect/SSD/SSDDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"

static const char *const kModule = R"(
func.func @f(%x: tensor<1x1x4x8xf32>, %b: tensor<1x1x1x16xf32>, %s: tensor<1x4x8x16xf32>) -> tensor<1x1x4x8xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<1x1x4x8xf32>, tensor<1x1x1x16xf32>, tensor<1x1x1x16xf32>) outs(%x, %s : tensor<1x1x4x8xf32>, tensor<1x4x8x16xf32>)
  return %0#0 : tensor<1x1x4x8xf32>
})";

int main() {
  mlir::DialectRegistry registry;
  registry.insert<ssd::SSDDialect, mlir::func::FuncDialect>();
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(kModule, &context);
  if (!module)
    return 1;
  ssd::SSDChooseDecompositionPassOptions options;
  options.force = "recurrent";
  mlir::PassManager manager(&context);
  manager.addPass(ssd::createSSDChooseDecompositionPass(options));
  if (failed(manager.run(*module)))
    return 1;
  module->print(llvm::outs());
}
