//! Exact checks of Markov kernels: enumerated transition matrices and quadrature.
