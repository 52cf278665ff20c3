"""Operations with a reference, a CPU path and, where a GPU is used, a Triton path; one folder each."""
