//! Log partition functions and free-energy differences with certificates.
