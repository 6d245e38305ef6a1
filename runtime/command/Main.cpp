//===- Main.cpp - main of a compiled model's executable -------------------===//

#include "halftone/halftone.h"
#include "runtime/command/Command.h"

int main(int argc, char **argv) {
  return halftone::rt::runCommand(halftone_this_program, argc, argv);
}
