//! Markov kernels, one file each, and their composition.
