//! Laws with a cumulant generating function: what large deviations need to know of a law.

use ergodic_core::{ArgumentError, ExponentialFamily, Interval};
use ergodic_expfam::Member;
use ergodic_math::roots;

use crate::argument::positive;

/// `K(t) = log E e^{tX}` and its first four derivatives at one `t`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cumulants {
    /// `K(t)`.
    pub value: f64,
    /// `K′(t)`, the mean of the tilted law `e^{tx − K(t)} p(x)`.
    pub mean: f64,
    /// `K″(t)`, its variance.
    pub variance: f64,
    /// `K‴(t)`, its third cumulant.
    pub third: f64,
    /// `K⁗(t)`, its fourth cumulant.
    pub fourth: f64,
}

/// A lattice `origin + spacing·ℤ`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lattice {
    /// A point of it.
    pub origin: f64,
    /// The span, above 0: the largest for which all values are on the lattice.
    pub spacing: f64,
}

impl Lattice {
    /// `(x − origin)/spacing`, on the integer that it is within rounding of: a threshold such as `n·0.7`
    /// is meant to be the point of the lattice that it misses by one unit in the last place.
    pub(crate) fn index(&self, x: f64) -> f64 {
        let index = (x - self.origin) / self.spacing;
        let nearest = index.round();
        let scale = (x.abs() + self.origin.abs()) / self.spacing;
        if (index - nearest).abs() <= 1e-9 + 8.0 * f64::EPSILON * scale {
            nearest
        } else {
            index
        }
    }
}

/// A law of a real variable with a cumulant generating function `K(t) = log E e^{tX}`, finite around 0.
///
/// Implemented by [`LatticeLaw`](crate::LatticeLaw), [`LatticeSum`](crate::LatticeSum),
/// [`CountingLaw`](crate::CountingLaw), and by [`StatisticOf`] for the members of every exponential
/// family with one parameter.
pub trait CumulantGenerating {
    /// `K` and its derivatives at `t`.
    ///
    /// # Errors
    /// If `t` is not in the interior of the domain of `K`.
    fn cumulants(&self, t: f64) -> Result<Cumulants, ArgumentError>;

    /// The interior of the domain of `K`.
    fn tilts(&self) -> Interval;

    /// The convex hull of the support.
    fn support(&self) -> Interval;

    /// The lattice of the values, if they are on one.
    fn lattice(&self) -> Option<Lattice>;

    /// `log P(X = end)` of an end of the support; `−∞` where there is no atom.
    fn log_atom(&self, end: f64) -> f64;

    /// `t` with `K′(t) = x`, by safeguarded Newton steps in a bracket that is sought from 0.
    ///
    /// # Errors
    /// If `x` is not in the interior of the support, or no tilt within the range of `f64` reaches it.
    fn tilt_of_mean(&self, x: f64) -> Result<f64, ArgumentError> {
        let support = self.support();
        let outside = || {
            ArgumentError::new(
                "mean",
                x,
                format!(
                    "strictly between {} and {}, the ends of the support, and within reach of a tilt",
                    support.lower, support.upper
                ),
            )
        };
        if !(x > support.lower && x < support.upper) {
            return Err(outside());
        }
        let at_zero = self.cumulants(0.0)?;
        let gap = x - at_zero.mean;
        if gap == 0.0 {
            return Ok(0.0);
        }
        let domain = self.tilts();
        let wall = if gap > 0.0 {
            domain.upper
        } else {
            domain.lower
        };
        let scale = at_zero.variance.sqrt();
        let mut step = (gap / (scale * scale)).abs().max(1e-3 / scale);
        if !step.is_finite() {
            return Err(outside());
        }
        // From the point reached, a step that doubles, or half of the way to a wall.
        let mut near = 0.0;
        for _ in 0..2100 {
            let mut far = near + step.copysign(gap);
            if step > 0.5 * (wall - near).abs() {
                far = near + 0.5 * (wall - near);
            }
            if !far.is_finite() || far == near {
                return Err(outside());
            }
            let Ok(there) = self.cumulants(far) else {
                return Err(outside());
            };
            if (there.mean - x) * gap >= 0.0 {
                let slope = |t: f64| match self.cumulants(t) {
                    Ok(c) => (c.mean - x, c.variance),
                    Err(_) => (f64::NAN, f64::NAN),
                };
                return roots::newton(slope, near, far, 0.0)
                    .map(|root| root.x)
                    .map_err(|_| outside());
            }
            near = far;
            step *= 2.0;
        }
        Err(outside())
    }

    /// Cramér's rate `I(x) = sup_t (tx − K(t))` in nats per draw: `−log P(X = x)` at an end of the support
    /// (infinite without an atom), `∞` outside, 0 at the mean.
    ///
    /// # Errors
    /// If `x` is NaN, or no tilt within the range of `f64` reaches it.
    fn rate(&self, x: f64) -> Result<f64, ArgumentError> {
        if let Some(rate) = self.edge_rate(x)? {
            return Ok(rate);
        }
        let t = self.tilt_of_mean(x)?;
        Ok((t * x - self.cumulants(t)?.value).max(0.0)) // below 0 by rounding only
    }

    /// The rate at or outside the ends of the support; none inside.
    ///
    /// # Errors
    /// If `x` is NaN.
    fn edge_rate(&self, x: f64) -> Result<Option<f64>, ArgumentError> {
        if x.is_nan() {
            return Err(ArgumentError::new("mean", x, "a number"));
        }
        let support = self.support();
        if x < support.lower || x > support.upper {
            return Ok(Some(f64::INFINITY));
        }
        if x == support.lower || x == support.upper {
            return Ok(Some(-self.log_atom(x)));
        }
        Ok(None)
    }
}

/// `−X`.
pub(crate) struct Reflected<'a, L: ?Sized>(pub(crate) &'a L);

impl<L: CumulantGenerating + ?Sized> CumulantGenerating for Reflected<'_, L> {
    fn cumulants(&self, t: f64) -> Result<Cumulants, ArgumentError> {
        let c = self.0.cumulants(-t)?;
        Ok(Cumulants {
            mean: -c.mean,
            third: -c.third,
            ..c
        })
    }

    fn tilts(&self) -> Interval {
        reflected(self.0.tilts())
    }

    fn support(&self) -> Interval {
        reflected(self.0.support())
    }

    fn lattice(&self) -> Option<Lattice> {
        self.0.lattice().map(|l| Lattice {
            origin: -l.origin,
            spacing: l.spacing,
        })
    }

    fn log_atom(&self, end: f64) -> f64 {
        self.0.log_atom(-end)
    }

    fn tilt_of_mean(&self, x: f64) -> Result<f64, ArgumentError> {
        self.0.tilt_of_mean(-x).map(|t| -t)
    }

    fn rate(&self, x: f64) -> Result<f64, ArgumentError> {
        self.0.rate(-x)
    }
}

fn reflected(interval: Interval) -> Interval {
    Interval {
        lower: -interval.upper,
        upper: -interval.lower,
    }
}

/// The sufficient statistic of a member of an exponential family with one parameter:
/// `K(t) = A(θ + t) − A(θ)`, so that its rate is the divergence of the member of mean `x` from this one,
/// and its tilted laws are the members of the family.
///
/// `K‴` and `K⁗` are differences of the Fisher information over hundredths of the scale `1/√K″`: relative
/// error about 1e-7 of each, besides 1e-11 of `K‴/K″^{3/2}` and `K⁗/K″²`, which only touches corrections of relative
/// size `1/n`. The family does not say where
/// its support ends: there and outside, the rate is an error of the family's mean domain. Say with
/// [`on_lattice`](Self::on_lattice) whether the statistic is on a lattice.
///
/// ```
/// use ergodic_concentration::{CumulantGenerating, StatisticOf};
/// use ergodic_expfam::{Member, families::Exponential};
///
/// // An exponential law of rate 1: I(x) = x − 1 − log x.
/// let law = StatisticOf::new(Member::new(Exponential, [-1.0])?)?;
/// assert!((law.rate(3.0)? - (2.0 - 3f64.ln())).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct StatisticOf<F> {
    member: Member<F>,
    lattice: Option<Lattice>,
    support: Interval,
    log_atoms: [f64; 2],
}

impl<F: ExponentialFamily> StatisticOf<F> {
    /// Of this member.
    ///
    /// # Errors
    /// If the family has more than one parameter.
    pub fn new(member: Member<F>) -> Result<Self, ArgumentError> {
        let dim = member.family().dim();
        if dim != 1 {
            return Err(ArgumentError::new(
                "member",
                format!("of a family of {dim} parameters"),
                "of a family of one parameter",
            ));
        }
        Ok(Self {
            member,
            lattice: None,
            support: everywhere(),
            log_atoms: [f64::NEG_INFINITY; 2],
        })
    }

    /// With values between these ends, which may be infinite, and the logarithms of the probabilities of the lower
    /// and the upper end: `−∞` where there is no atom.
    ///
    /// # Errors
    /// If the support is empty or does not hold the mean, or a logarithm is NaN or above 0.
    ///
    /// ```
    /// use ergodic_concentration::{CumulantGenerating, StatisticOf};
    /// use ergodic_core::Interval;
    /// use ergodic_expfam::{Member, families::Exponential};
    ///
    /// let law = StatisticOf::new(Member::new(Exponential, [-1.0])?)?;
    /// assert!(law.rate(-1.0).is_err()); // who knows what is there
    /// let positive = Interval { lower: 0.0, upper: f64::INFINITY };
    /// let law = law.with_support(positive, [f64::NEG_INFINITY; 2])?;
    /// assert_eq!(law.rate(-1.0)?, f64::INFINITY);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn with_support(
        mut self,
        support: Interval,
        log_atoms: [f64; 2],
    ) -> Result<Self, ArgumentError> {
        let mean = self.member.mean()[0];
        if !(support.lower < mean && mean < support.upper) {
            return Err(ArgumentError::new(
                "support",
                format!("[{}, {}]", support.lower, support.upper),
                format!("an interval around the mean, {mean}"),
            ));
        }
        if let Some(log) = log_atoms.iter().find(|l| l.is_nan() || **l > 0.0) {
            return Err(ArgumentError::new("log_atoms", log, "at most 0"));
        }
        self.support = support;
        self.log_atoms = log_atoms;
        Ok(self)
    }

    /// With values on this lattice.
    ///
    /// # Errors
    /// If the origin is not finite or the spacing not above 0 and finite.
    pub fn on_lattice(mut self, lattice: Lattice) -> Result<Self, ArgumentError> {
        positive("spacing", lattice.spacing)?;
        if !lattice.origin.is_finite() {
            return Err(ArgumentError::new("origin", lattice.origin, "finite"));
        }
        self.lattice = Some(lattice);
        Ok(self)
    }

    /// The member.
    pub fn member(&self) -> &Member<F> {
        &self.member
    }

    fn variance_at(&self, natural: f64) -> Result<f64, ArgumentError> {
        let mut variance = [0.0];
        self.member
            .family()
            .fisher_information(&[natural], &mut variance)?;
        Ok(variance[0])
    }
}

impl<F: ExponentialFamily> CumulantGenerating for StatisticOf<F> {
    fn cumulants(&self, t: f64) -> Result<Cumulants, ArgumentError> {
        let family = self.member.family();
        let natural = self.member.natural()[0] + t;
        let value = family.log_partition(&[natural])? - self.member.log_partition();
        let mut mean = [0.0];
        family.mean_from_natural(&[natural], &mut mean)?;
        let variance = self.variance_at(natural)?;
        let mut h = 0.01 / variance.sqrt();
        for _ in 0..20 {
            let around = [-2.0, -1.0, 1.0, 2.0].map(|k| self.variance_at(natural + k * h));
            if let [Ok(a), Ok(b), Ok(c), Ok(d)] = around {
                return Ok(Cumulants {
                    value,
                    mean: mean[0],
                    variance,
                    third: (8.0 * (c - b) - (d - a)) / (12.0 * h),
                    fourth: (16.0 * (c + b) - (d + a) - 30.0 * variance) / (12.0 * h * h),
                });
            }
            h *= 0.5; // near the end of the natural domain
        }
        Err(ArgumentError::new(
            "t",
            t,
            "in the interior of the natural domain",
        ))
    }

    fn tilts(&self) -> Interval {
        everywhere()
    }

    fn support(&self) -> Interval {
        self.support
    }

    fn lattice(&self) -> Option<Lattice> {
        self.lattice
    }

    fn log_atom(&self, end: f64) -> f64 {
        if end == self.support.lower {
            self.log_atoms[0]
        } else if end == self.support.upper {
            self.log_atoms[1]
        } else {
            f64::NEG_INFINITY
        }
    }

    fn tilt_of_mean(&self, x: f64) -> Result<f64, ArgumentError> {
        let mut natural = [0.0];
        self.member.family().natural_from_mean(&[x], &mut natural)?;
        Ok(natural[0] - self.member.natural()[0])
    }

    fn rate(&self, x: f64) -> Result<f64, ArgumentError> {
        if let Some(rate) = self.edge_rate(x)? {
            return Ok(rate);
        }
        let mut natural = [0.0];
        self.member.family().natural_from_mean(&[x], &mut natural)?;
        self.member
            .family()
            .kl_divergence(&natural, self.member.natural())
    }
}

fn everywhere() -> Interval {
    Interval {
        lower: f64::NEG_INFINITY,
        upper: f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ergodic_expfam::families;

    /// All cumulants of a Poisson law of mean `λeᵗ` are its mean; those of an exponential law of rate `1 − t` are
    /// `(k − 1)!/(1 − t)ᵏ`.
    #[test]
    fn cumulants_of_members_have_the_stated_accuracy() {
        for (natural, t) in [(0.0, 0.0), (1.5, -3.0), (-4.0, 1.0), (12.0, 0.5)] {
            let member = Member::new(families::Poisson, [natural]).unwrap();
            let c = StatisticOf::new(member).unwrap().cumulants(t).unwrap();
            let exact = f64::exp(natural + t);
            assert!(
                (c.mean / exact - 1.0).abs() < 1e-14 && (c.variance / exact - 1.0).abs() < 1e-14
            );
            // Rounding is of the scale of the powers of the standard deviation.
            let (third, fourth) = (c.third - exact, c.fourth - exact);
            assert!(
                third.abs() < 2e-7 * exact + 1e-11 * exact.powf(1.5),
                "{c:?}"
            );
            assert!(fourth.abs() < 2e-7 * exact + 1e-11 * exact.powi(2), "{c:?}");
        }
        let law = StatisticOf::new(Member::new(families::Exponential, [-1.0]).unwrap()).unwrap();
        for t in [-50.0f64, -1.0, 0.0, 0.5, 0.999] {
            let c = law.cumulants(t).unwrap();
            let scale = 1.0 / (1.0 - t);
            assert!((c.value + (1.0 - t).ln()).abs() < 1e-13);
            assert!(
                (c.third / (2.0 * scale * scale * scale) - 1.0).abs() < 2e-6,
                "{t}: {c:?}"
            );
            assert!(
                (c.fourth / (6.0 * scale * scale * scale * scale) - 1.0).abs() < 2e-6,
                "{t}: {c:?}"
            );
        }
        assert!(law.cumulants(1.0).is_err() && law.cumulants(f64::NAN).is_err());
    }

    /// Waiting times as a law of one's own: `K = −log(1 − t)` for `t < 1`, so that the search for a tilt meets a wall.
    #[test]
    fn tilts_are_found_next_to_the_end_of_their_domain() {
        struct Waits;
        impl CumulantGenerating for Waits {
            fn cumulants(&self, t: f64) -> Result<Cumulants, ArgumentError> {
                if t >= 1.0 {
                    return Err(ArgumentError::new("t", t, "below 1"));
                }
                let scale = 1.0 / (1.0 - t);
                Ok(Cumulants {
                    value: -(-t).ln_1p(),
                    mean: scale,
                    variance: scale * scale,
                    third: 2.0 * scale * scale * scale,
                    fourth: 6.0 * scale * scale * scale * scale,
                })
            }
            fn tilts(&self) -> Interval {
                Interval {
                    upper: 1.0,
                    ..everywhere()
                }
            }
            fn support(&self) -> Interval {
                Interval {
                    lower: 0.0,
                    ..everywhere()
                }
            }
            fn lattice(&self) -> Option<Lattice> {
                None
            }
            fn log_atom(&self, _: f64) -> f64 {
                f64::NEG_INFINITY
            }
        }
        for x in [1e-3f64, 0.5, 1.0, 3.0, 1e4] {
            assert!((Waits.tilt_of_mean(x).unwrap() - (1.0 - 1.0 / x)).abs() < 1e-9 / x);
            let rate = x - 1.0 - x.ln();
            assert!((Waits.rate(x).unwrap() - rate).abs() < 1e-9 * (1.0 + rate));
        }
        assert_eq!(Waits.rate(0.0).unwrap(), f64::INFINITY);
    }

    #[test]
    fn the_support_of_a_member_is_what_is_said() {
        // Poisson counts: an atom at 0.
        let member = Member::new(families::Poisson, [0.0]).unwrap();
        let law = StatisticOf::new(member).unwrap();
        let above = |lower| Interval {
            lower,
            upper: f64::INFINITY,
        };
        let none = f64::NEG_INFINITY;
        let argument = |support, atoms| {
            let law = law.clone().with_support(support, atoms);
            law.unwrap_err().argument
        };
        assert_eq!(argument(above(1.0), [none; 2]), "support");
        assert_eq!(argument(above(f64::NAN), [none; 2]), "support");
        assert_eq!(argument(above(0.0), [0.1, none]), "log_atoms");
        assert_eq!(argument(above(0.0), [none, f64::NAN]), "log_atoms");
        let law = law.with_support(above(0.0), [-1.0, none]).unwrap();
        assert_eq!(law.rate(0.0).unwrap(), 1.0);
        assert_eq!(law.rate(-0.5).unwrap(), f64::INFINITY);
        assert!((law.rate(2.0).unwrap() - (2.0 * 2f64.ln() - 1.0)).abs() < 1e-15);
        assert!(law.rate(f64::NAN).is_err());
        let lattice = Lattice {
            origin: 0.0,
            spacing: 0.0,
        };
        assert_eq!(
            law.clone().on_lattice(lattice).unwrap_err().argument,
            "spacing"
        );
        let lattice = Lattice {
            origin: f64::NAN,
            spacing: 1.0,
        };
        assert_eq!(law.on_lattice(lattice).unwrap_err().argument, "origin");
    }
}
