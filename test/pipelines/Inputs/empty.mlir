// A graph that every phase accepts, for dumps of pass pipelines.
func.func @main() {
  return
}
