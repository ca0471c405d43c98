//! The families, each with its statistics, base measure and log-partition.
//!
//! Natural parameters are slices in the order of the statistics. Constructors called `natural`
//! turn the usual parameters into natural ones, `usual` turns them back, as to read a posterior.
//! Matrices are vectors as `svec` has them: lower triangle by rows, off-diagonal entries times `√2`.
//!
//! Columns of many members ([`evaluate_columns`](ergodic_core::ExponentialFamily::evaluate_columns)) are SIMD code
//! in [`Normal`], [`LogNormal`], [`DiagonalNormal`], [`Categorical`], [`Bernoulli`], [`Poisson`], [`NormalKnownVariance`],
//! [`GammaKnownShape`], [`Geometric`], [`NegativeBinomial`], and the families of a rate ([`Exponential`] and the others
//! of its row); the others take one member after the other, as gamma and Bessel functions are not vectorised.
//!
//! | family | statistics `T(x)` | natural parameters `θ` |
//! |---|---|---|
//! | [`Bernoulli`] | `x` | `logit p` |
//! | [`Binomial`] | `x` | `logit p` |
//! | [`Categorical`], [`Multinomial`] | `[x = k]`, `k ≥ 1` | `log pₖ/p₀` |
//! | [`Geometric`], [`NegativeBinomial`] | `x` | `log(1 − p)` |
//! | [`Poisson`] | `x` | `log λ` |
//! | [`Exponential`], [`Laplace`], [`Weibull`], [`Pareto`], [`Rayleigh`] | `x`, `\|x − m\|`, `xᵏ`, `log x/m`, `x²/2` | −rate |
//! | [`Gamma`], [`InverseGamma`] | `log x, x`; `log x, 1/x` | `α − 1, −β`; `−α − 1, −β` |
//! | [`GammaKnownShape`] | `x` | `−β` |
//! | [`ChiSquared`] | `log x` | `k/2 − 1` |
//! | [`Beta`], [`Dirichlet`] | `log x, log(1 − x)`; `log xₖ` | `α, β`; `αₖ` |
//! | [`Normal`], [`LogNormal`] | `x, x²`; `log x, log² x` | `m/v, −1/2v` |
//! | [`NormalKnownVariance`] | `x` | `m/v` |
//! | [`MultivariateNormal`] | `x, svec xxᵀ` | `Λm, −½ svec Λ` |
//! | [`MultivariateNormalKnownCovariance`] | `x` | `Σ⁻¹m` |
//! | [`DiagonalNormal`] | `x, x²` | `mᵢ/vᵢ, −1/2vᵢ` |
//! | [`InverseGaussian`] | `x, 1/x` | `−λ/2μ², −λ/2` |
//! | [`VonMises`], [`VonMisesFisher`] | `cos x, sin x`; `x` | `κ` times the mean direction |
//! | [`Wishart`], [`InverseWishart`] | `log det X, svec X`; `log det X, svec X⁻¹` | `(n − d − 1)/2, −½ svec V⁻¹`; `−(n + d + 1)/2, −½ svec Ψ` |
//! | [`NormalGamma`] | `log τ, τ, τm, τm²` | of the prior of a normal law |
//! | [`NormalInverseWishart`] | `log det Σ, svec Σ⁻¹, Σ⁻¹m, mᵀΣ⁻¹m` | of the prior of a normal law in `ℝᵈ` |
//! | [`Discrete`] | rows of a matrix | any |
//! | [`Ising`] | `sᵢ, sᵢsⱼ` | fields and couplings |
//! | [`Product`] | of one family, then of another | those of both |
//! | [`Componentwise`] | of each place | those of each place |
//! | [`Independent`] | sums over independent draws | those of one draw |
//! | [`Subfamily`] | `BᵀT` | `η`, with `θ = θ₀ + Bη` |

mod bernoulli;
mod binomial;
mod categorical;
mod columns;
mod componentwise;
mod dirichlet;
mod discrete;
mod exponential;
mod gamma;
mod inverse_gaussian;
mod ising;
pub(crate) mod large_counts;
pub(crate) mod multivariate_normal;
mod multivariate_normal_known_covariance;
mod negative_binomial;
pub(crate) mod normal;
mod normal_gamma;
mod normal_inverse_wishart;
mod poisson;
mod product;
mod ratio;
mod subfamily;
mod von_mises;
mod wishart;

pub use bernoulli::Bernoulli;
pub use binomial::Binomial;
pub use categorical::{Categorical, Multinomial};
pub use componentwise::Componentwise;
pub use dirichlet::{Beta, Dirichlet};
pub use discrete::Discrete;
pub use exponential::{Exponential, Laplace, Pareto, Rayleigh, Weibull};
pub use gamma::{ChiSquared, Gamma, GammaKnownShape, InverseGamma};
pub use inverse_gaussian::InverseGaussian;
pub use ising::Ising;
pub use multivariate_normal::{DiagonalNormal, MultivariateNormal};
pub use multivariate_normal_known_covariance::MultivariateNormalKnownCovariance;
pub use negative_binomial::{Geometric, NegativeBinomial};
pub use normal::{LogNormal, Normal, NormalKnownVariance};
pub use normal_gamma::NormalGamma;
pub use normal_inverse_wishart::{Moments, NormalInverseWishart};
pub use poisson::Poisson;
pub use product::{Independent, Product};
pub use subfamily::Subfamily;
pub use von_mises::{VonMises, VonMisesFisher};
pub use wishart::{InverseWishart, Wishart};
