//! Special functions at double accuracy, the same bits on every CPU.
//!
//! Scalars rest on the `libm` crate (a port of the FreeBSD and musl routines) and on IEEE 754
//! arithmetic alone, never on the platform's mathematical library. Functions that are total on
//! the real line return `f64` and give NaN for NaN only; the others return a
//! [`DomainError`](crate::DomainError) that names the argument.

mod bessel;
mod gamma;
mod incomplete;
mod log_space;
mod log_sum;
mod normal;
mod stirling;

pub use bessel::{bessel_i_ratio, bessel_i_ratio_derivative, ln_bessel_i, ln_bessel_i_scaled};
pub use gamma::{digamma, digamma_inverse, ln_gamma, trigamma};
pub use incomplete::{
    beta_regularized, binomial_cdf, binomial_quantile, binomial_survival, chi_squared_cdf,
    chi_squared_survival, gamma_p, gamma_q,
};
pub use log_space::{
    log_add_exp, log_sub_exp, log1m_exp, log1p_exp, logit, sigmoid, x_minus_ln_1p, xlogx,
};
pub use log_sum::{LogSum, log_mean_exp, log_sum_exp, log_weighted_sum_exp};
pub use normal::{erf, erfc, normal_cdf, normal_quantile};
pub use stirling::{HALF_LN_2PI, poisson_deviance, stirling_error};
