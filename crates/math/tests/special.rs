//! Special functions against 60-digit references.

use ergodic_math::Real;
use ergodic_math::special::{
    LogSum, beta_regularized, binomial_cdf, binomial_quantile, binomial_survival, chi_squared_cdf,
    chi_squared_survival, digamma, erf, erfc, gamma_p, gamma_q, ln_gamma, log_add_exp,
    log_mean_exp, log_sub_exp, log_sum_exp, log_weighted_sum_exp, log1m_exp, log1p_exp, logit,
    normal_cdf, normal_quantile, sigmoid, trigamma, xlogx,
};

/// Rows `name arguments… value rest`: the value is `value + rest`, computed with 60 digits by
/// mpmath 1.4 at the exact binary arguments.
const REFERENCE: &str = include_str!("special_reference.txt");

struct Row {
    arguments: Vec<f64>,
    value: f64,
    rest: f64,
}

impl Row {
    fn error(&self, y: f64) -> f64 {
        ((y - self.value) - self.rest).abs()
    }
    /// The error in units in the last place of `max(|value|, floor)`.
    fn ulps(&self, y: f64, floor: f64) -> f64 {
        let exponent = libm::ilogb(self.value.abs().max(floor)).max(-1022);
        self.error(y) / libm::scalbn(1.0, exponent - 52)
    }
}

/// Checks that the largest `error` over the rows of `name` is at most `bound`.
fn check(name: &str, bound: f64, error: impl Fn(&Row) -> f64) {
    let mut worst = (-1.0, Vec::new());
    for line in REFERENCE.lines() {
        let mut fields = line.split(' ');
        if fields.next() != Some(name) {
            continue;
        }
        let mut numbers: Vec<f64> = fields.map(|f| f.parse().expect("a number")).collect();
        let rest = numbers.pop().expect("rest");
        let value = numbers.pop().expect("value");
        let row = Row {
            arguments: numbers,
            value,
            rest,
        };
        let e = error(&row);
        if e.is_nan() || e > worst.0 {
            worst = (e, row.arguments);
        }
    }
    println!("{name}: {worst:?}");
    assert!(
        worst.0 >= 0.0 && worst.0 <= bound,
        "{name}: error {} at {:?}, allowed {bound}",
        worst.0,
        worst.1
    );
}

fn check_ulps(name: &str, bound: f64, f: impl Fn(f64) -> f64) {
    check(name, bound, |row| row.ulps(f(row.arguments[0]), 0.0));
}

#[test]
fn f64_elementary_functions_are_within_their_ulps() {
    check_ulps("exp", 1.1, Real::exp);
    check_ulps("exp_m1", 2.0, Real::exp_m1);
    check_ulps("ln", 1.0, Real::ln);
    check_ulps("ln_1p", 1.5, Real::ln_1p);
    check_ulps("sigmoid", 2.5, Real::sigmoid);
    check_ulps("log1p_exp", 2.0, Real::log1p_exp);
}

#[test]
fn log_space_scalars_are_within_two_ulps() {
    check_ulps("sigmoid", 2.0, sigmoid);
    check_ulps("log1p_exp", 2.0, log1p_exp);
    check_ulps("log1m_exp", 2.0, |x| log1m_exp(x).unwrap());
    check_ulps("logit", 2.0, |x| logit(x).unwrap());
    check_ulps("xlogx", 2.0, |x| xlogx(x).unwrap());
    check("log_add_exp", 2.0, |row| {
        let (a, b) = (row.arguments[0], row.arguments[1]);
        row.ulps(log_add_exp(a, b), a.abs().max(b.abs()))
    });
    // Two terms, the larger 0: relative to the result, however small it is.
    check("log_add_exp", 2.0, |row| {
        let (a, b) = (row.arguments[0], row.arguments[1]);
        if a == 0.0 {
            row.ulps(log_add_exp(a, b), 0.0)
                .max(row.ulps(log_sum_exp(&[a, b]), 0.0))
        } else {
            0.0
        }
    });
}

#[test]
fn gamma_functions_are_within_their_ulps() {
    check("ln_gamma", 4.0, |row| {
        row.ulps(ln_gamma(row.arguments[0]), 1.0)
    });
    check("digamma", 4.0, |row| {
        let x = row.arguments[0];
        row.ulps(digamma(x), if (1.0..=2.0).contains(&x) { 0.0 } else { 1.0 })
    });
    check("trigamma", 8.0, |row| {
        let x = row.arguments[0];
        row.ulps(trigamma(x), 0.0) * if x > 0.0 { 2.0 } else { 1.0 }
    });
}

#[test]
fn normal_law_is_within_its_ulps() {
    check_ulps("erf", 1.0, erf);
    check_ulps("erfc", 3.0, erfc);
    check_ulps("normal_cdf", 4.0, normal_cdf);
    check_ulps("normal_quantile", 4.0, |p| normal_quantile(p).unwrap());
}

#[test]
fn incomplete_functions_are_accurate_in_both_tails() {
    let relative = |row: &Row, y: f64| row.error(y) / row.value;
    // 1e-13 and the rounding of the logarithm of a tail.
    let tail = |row: &Row, y: f64| relative(row, y) / (1.0 - 0.01 * libm::log(row.value));
    check("gamma_lower", 1e-13, |row| {
        tail(row, gamma_p(row.arguments[0], row.arguments[1]).unwrap())
    });
    check("gamma_upper", 1e-13, |row| {
        let (a, x) = (row.arguments[0], row.arguments[1]);
        let y = gamma_q(a, x).unwrap();
        if x > a + 1.0 {
            tail(row, y)
        } else {
            row.error(y)
        }
    });
    check("beta_lower", 1e-12, |row| {
        let [a, b, x] = row.arguments[..] else {
            panic!()
        };
        let y = beta_regularized(a, b, x).unwrap();
        if x < (a + 1.0) / (a + b + 2.0) && row.value > 1e-307 {
            relative(row, y)
        } else {
            row.error(y)
        }
    });
    check("binomial_lower", 1e-12, |row| {
        let [k, n, p] = row.arguments[..] else {
            panic!()
        };
        relative(row, binomial_cdf(k as u64, n as u64, p).unwrap())
    });
    check("binomial_upper", 1e-12, |row| {
        let [k, n, p] = row.arguments[..] else {
            panic!()
        };
        let y = binomial_survival(k as u64, n as u64, p).unwrap();
        if row.value == 0.0 {
            y
        } else {
            relative(row, y)
        }
    });
}

#[test]
fn digamma_keeps_its_relative_accuracy_at_its_positive_root() {
    // x₀ rounds to the first value; ψ there is ψ′(x₀)·(x − x₀), ψ′(x₀) = 0.96767…, 60 digits.
    let values = [
        (1.461_632_144_968_362_2, -9.241_265_521_729_427e-17),
        (1.461_632_144_968_362_4, 1.2245374622004068e-16),
    ];
    for (x, psi) in values {
        assert!(
            (digamma(x) / psi - 1.0).abs() < 1e-15,
            "{x}: {}",
            digamma(x)
        );
    }
}

#[test]
fn digamma_and_trigamma_satisfy_their_recurrences() {
    for i in 1..4000 {
        let x = f64::from(i) * 0.0051;
        let d = digamma(x + 1.0) - digamma(x) - 1.0 / x;
        assert!(d.abs() < 1e-15 * (3.0 + 2.0 / x), "{x}: {d}");
        let t = trigamma(x) - trigamma(x + 1.0) - 1.0 / (x * x);
        assert!(t.abs() < 1e-15 * (3.0 + 2.0 / (x * x)), "{x}: {t}");
    }
}

#[test]
fn poles_and_limits_are_as_documented() {
    for n in [0.0, -0.0, -1.0, -7.0, -1e17, f64::MIN] {
        assert_eq!(digamma(n), f64::NEG_INFINITY);
        assert_eq!(trigamma(n), f64::INFINITY);
        assert_eq!(ln_gamma(n), f64::INFINITY);
    }
    assert_eq!(digamma(f64::INFINITY), f64::INFINITY);
    assert_eq!(trigamma(f64::INFINITY), 0.0);
    assert_eq!(trigamma(1e-160), f64::INFINITY);
    for x in [5e-324, -5e-324, 1e-310, f64::MAX, -1e-300] {
        assert!(!digamma(x).is_nan(), "{x}");
        assert!(!trigamma(x).is_nan(), "{x}");
    }
    assert!(digamma(f64::NAN).is_nan() && trigamma(f64::NAN).is_nan());
    assert!(digamma(f64::NEG_INFINITY).is_nan());
    assert_eq!(normal_cdf(-50.0), 0.0);
    assert_eq!(normal_cdf(50.0), 1.0);
    assert_eq!(normal_cdf(f64::NEG_INFINITY), 0.0);
    assert!(normal_cdf(f64::NAN).is_nan());
    assert_eq!(normal_quantile(0.0), Ok(f64::NEG_INFINITY));
    assert_eq!(normal_quantile(1.0), Ok(f64::INFINITY));
    assert_eq!(normal_quantile(0.5), Ok(0.0));
    assert_eq!(logit(0.0), Ok(f64::NEG_INFINITY));
    assert_eq!(logit(1.0), Ok(f64::INFINITY));
    assert_eq!(xlogx(0.0), Ok(0.0));
    assert_eq!(log1m_exp(0.0), Ok(f64::NEG_INFINITY));
    assert_eq!(log1m_exp(f64::NEG_INFINITY), Ok(0.0));
    assert_eq!(gamma_p(2.0, 0.0), Ok(0.0));
    assert_eq!(gamma_q(2.0, f64::INFINITY), Ok(0.0));
    assert_eq!(beta_regularized(2.0, 3.0, 1.0), Ok(1.0));
}

#[test]
fn normal_quantile_inverts_the_cdf_into_the_far_tail() {
    for i in 1..3000 {
        let x = -0.0125 * f64::from(i);
        let back = normal_quantile(normal_cdf(x)).unwrap();
        // dx = dp/φ(x): an error of a few ulp in p is that of ulp·Φ/φ in x.
        assert!((back - x).abs() < 1e-15 * (2.0 - x), "{x}: {back}");
    }
    // Subnormal probabilities carry fewer digits.
    for p in [5e-324, 1e-320, 1e-310, 1e-308] {
        let x = normal_quantile(p).unwrap();
        assert!((-38.5..-37.4).contains(&x), "{p}: {x}");
    }
}

#[test]
fn arguments_outside_the_domain_are_named() {
    for p in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert_eq!(normal_quantile(p).unwrap_err().argument, "p");
        assert_eq!(logit(p).unwrap_err().argument, "p");
        assert_eq!(binomial_cdf(1, 2, p).unwrap_err().argument, "p");
        assert_eq!(binomial_quantile(p, 2, 0.5).unwrap_err().argument, "q");
        assert_eq!(beta_regularized(1.0, 1.0, p).unwrap_err().argument, "x");
    }
    for a in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e13] {
        assert_eq!(gamma_p(a, 1.0).unwrap_err().argument, "a");
        assert_eq!(gamma_q(a, 1.0).unwrap_err().argument, "a");
        assert_eq!(beta_regularized(a, 1.0, 0.5).unwrap_err().argument, "a");
        assert_eq!(beta_regularized(1.0, a, 0.5).unwrap_err().argument, "b");
        assert_eq!(chi_squared_cdf(1.0, a).unwrap_err().argument, "degrees");
    }
    for x in [-1.0, f64::NAN] {
        assert_eq!(gamma_p(1.0, x).unwrap_err().argument, "x");
        assert_eq!(chi_squared_survival(x, 1.0).unwrap_err().argument, "x");
        assert_eq!(xlogx(x).unwrap_err().argument, "x");
    }
    assert_eq!(log1m_exp(0.1).unwrap_err().argument, "x");
    assert_eq!(log_sub_exp(1.0, 2.0).unwrap_err().argument, "b");
    assert_eq!(
        log_sub_exp(f64::INFINITY, f64::INFINITY)
            .unwrap_err()
            .argument,
        "b"
    );
    assert!(log_weighted_sum_exp(&[1.0], &[]).is_err());
    assert_eq!(
        log_weighted_sum_exp(&[1.0], &[-1.0]).unwrap_err().found,
        -1.0
    );
    let text = normal_quantile(2.0).unwrap_err().to_string();
    assert_eq!(text, "p is 2, but must be between 0 and 1");
}

#[test]
fn incomplete_functions_have_their_elementary_cases() {
    for i in 1..200 {
        let x = 0.05 * f64::from(i);
        // P(1, x) = 1 − e⁻ˣ; P(½, x) = erf √x
        assert!((gamma_p(1.0, x).unwrap() + libm::expm1(-x)).abs() < 2e-15);
        assert!((gamma_p(0.5, x).unwrap() - erf(x.sqrt())).abs() < 2e-15);
        assert!((chi_squared_survival(x, 2.0).unwrap() / libm::exp(-0.5 * x) - 1.0).abs() < 4e-15);
        let y = f64::from(i) / 200.0;
        // I_y(1, b) = 1 − (1 − y)ᵇ; I_y(a, b) = 1 − I_{1−y}(b, a)
        assert!((beta_regularized(1.0, 3.0, y).unwrap() - (1.0 - (1.0 - y).powi(3))).abs() < 2e-15);
        let both =
            beta_regularized(2.5, 7.0, y).unwrap() + beta_regularized(7.0, 2.5, 1.0 - y).unwrap();
        assert!((both - 1.0).abs() < 2e-15);
    }
}

#[test]
fn incomplete_functions_are_monotone_and_converge_for_large_shapes() {
    for a in [1e3, 1e6, 1e9, 1e12] {
        let mut last = 0.0;
        for i in -8..=8 {
            let x = a + f64::from(i) * a.sqrt();
            let p = gamma_p(a, x).unwrap();
            // The central limit theorem with its first correction, 1/(3√a)·φ.
            let z = f64::from(i);
            let correction = 0.4 * (1.0 + z * z) / a.sqrt();
            assert!((p - normal_cdf(z)).abs() < correction + 1e-8, "{a} {z} {p}");
            assert!(p >= last);
            last = p;
        }
        let half = beta_regularized(a, a, 0.5).unwrap();
        assert!(
            (half - 0.5).abs() < 1e-14 * a.sqrt().max(100.0),
            "{a}: {half}"
        );
    }
}

#[test]
fn binomial_quantile_is_the_smallest_k_that_reaches_q() {
    for n in [1u64, 2, 7, 100, 12_345] {
        for p in [0.0, 1e-4, 0.1, 0.5, 0.93, 1.0] {
            for q in [
                0.0,
                1e-9,
                1e-6,
                0.01,
                0.5,
                0.99,
                1.0 - 1e-6,
                1.0 - 1e-9,
                1.0,
            ] {
                let k = binomial_quantile(q, n, p).unwrap();
                let reaches = |k: u64| {
                    if q > 0.5 {
                        binomial_survival(k, n, p).unwrap() <= 1.0 - q
                    } else {
                        binomial_cdf(k, n, p).unwrap() >= q
                    }
                };
                assert!(k <= n && reaches(k), "{n} {p} {q} {k}");
                assert!(k == 0 || !reaches(k - 1) || q == 1.0, "{n} {p} {q} {k}");
            }
        }
    }
}

#[test]
fn log_sums_of_equal_terms_are_exact_and_edges_are_as_documented() {
    let inf = f64::INFINITY;
    assert_eq!(log_sum_exp::<f64>(&[]), -inf);
    assert_eq!(log_mean_exp::<f32>(&[]), -inf);
    for n in [1usize, 2, 15, 16, 17, 1000, 5000] {
        assert_eq!(log_mean_exp(&vec![-12345.678f64; n]), -12345.678);
        let sum = log_sum_exp(&vec![0.0f32; n]);
        assert!((sum - libm::log(n as f64)).abs() <= 2e-15, "{n}: {sum}");
        assert_eq!(log_sum_exp(&vec![-inf; n]), -inf);
        assert_eq!(log_mean_exp(&vec![-inf; n]), -inf);
        let mut x = vec![1.0; n];
        x[n / 2] = inf;
        assert_eq!(log_sum_exp(&x), inf);
        x[n / 3] = f64::NAN;
        assert!(log_sum_exp(&x).is_nan() && log_mean_exp(&x).is_nan());
        x[n / 2] = -inf;
        x[n / 3] = f64::NAN;
        assert!(log_sum_exp(&x).is_nan());
    }
    // e^{−800} would be 0 beside the rest of a naive sum; here it is alone.
    assert_eq!(log_sum_exp(&[-800.0, -inf, -inf]), -800.0);
    assert_eq!(log_sum_exp(&[1e300, -1e300]), 1e300);
    assert_eq!(log_add_exp(-inf, -inf), -inf);
    assert_eq!(log_add_exp(inf, -inf), inf);
    assert_eq!(log_sub_exp(3.0, 3.0), Ok(-inf));
    assert_eq!(log_sub_exp(3.0, -inf), Ok(3.0));
    assert!((log_sub_exp(log_add_exp(-3.0, 2.0), 2.0).unwrap() + 3.0).abs() < 1e-13);
}

#[test]
fn log_sum_of_a_geometric_series_has_its_closed_form() {
    // Σ_{i<n} e^{−ti} = (1 − e^{−tn})/(1 − e^{−t})
    for (n, t) in [
        (10_000usize, 1e-3),
        (100_000, 0.01),
        (37, 0.5),
        (1_000_000, 1e-7),
    ] {
        let x: Vec<f64> = (0..n).map(|i| 700.0 - t * i as f64).collect();
        let exact = 700.0 + libm::log(libm::expm1(-t * n as f64) / libm::expm1(-t));
        assert!((log_sum_exp(&x) - exact).abs() < 3e-13, "{n} {t}");
        let w: Vec<f64> = x.iter().map(|_| 0.25).collect();
        let weighted = log_weighted_sum_exp(&x, &w).unwrap();
        assert!((weighted - exact - libm::log(0.25)).abs() < 3e-13);
        let mut streamed = LogSum::new();
        let (mut left, mut right) = (LogSum::new(), LogSum::new());
        for (i, &x) in x.iter().rev().enumerate() {
            streamed.push(x);
            if i % 3 == 0 {
                left.push(x);
            } else {
                right.push(x);
            }
        }
        left.merge(&right);
        assert_eq!(left.count(), n as u64);
        for sum in [streamed, left] {
            assert!((sum.value() - exact).abs() < 1e-11, "{n} {t}");
            assert!((sum.mean() - exact + libm::log(n as f64)).abs() < 1e-11);
        }
    }
}

#[test]
fn streamed_log_sums_keep_the_edges() {
    let inf = f64::INFINITY;
    let of = |x: &[f64]| {
        let mut sum = LogSum::new();
        for &x in x {
            sum.push(x);
        }
        sum.value()
    };
    assert_eq!(LogSum::new().value(), -inf);
    assert_eq!(LogSum::new().mean(), -inf);
    assert_eq!(of(&[-inf, -inf]), -inf);
    assert_eq!(of(&[-inf, 2.0]), 2.0);
    assert_eq!(of(&[2.0, inf, inf]), inf);
    assert!(of(&[f64::NAN, 1.0]).is_nan() && of(&[1.0, f64::NAN]).is_nan());
    assert!((of(&[0.0, -100.0]) / libm::exp(-100.0) - 1.0).abs() < 1e-15);
    assert!((of(&[-100.0, 0.0]) / libm::exp(-100.0) - 1.0).abs() < 1e-15);
}

#[test]
fn a_zero_weight_removes_its_term() {
    let x = [f64::INFINITY, 1.0, f64::NAN, -f64::INFINITY];
    let value = log_weighted_sum_exp(&x, &[0.0, 3.0, 0.0, 2.0]).unwrap();
    assert!((value - (1.0 + libm::log(3.0))).abs() < 1e-15);
    assert_eq!(log_weighted_sum_exp(&x, &[0.0; 4]), Ok(f64::NEG_INFINITY));
    assert_eq!(
        log_weighted_sum_exp(&x, &[1.0, 0.0, 0.0, 0.0]),
        Ok(f64::INFINITY)
    );
    assert!(log_weighted_sum_exp(&x, &[1.0; 4]).unwrap().is_nan());
    // Tiny weights neither vanish nor lose digits.
    let value = log_weighted_sum_exp(&[0.0f32, 0.0], &[1e-300, 3e-300]).unwrap();
    assert!((value / libm::log(4e-300) - 1.0).abs() < 1e-15);
}

#[test]
fn weighted_log_sums_survive_weights_opposed_to_their_terms() {
    // The largest term has the smallest weight: log(1e308) − 1000 and others beside nothing.
    let cases = [
        ([0.0, -1000.0], [5e-324, 1e308], -290.8037913578339),
        ([800.0, 0.0], [1e-320, 1e308], 709.1962086421661),
        ([0.0, -1453.6363505], [5e-324, 1e308], -743.7469597084362),
        ([f64::MAX, 0.0], [1e-320, 1e308], f64::MAX),
    ];
    for (x, weights, truth) in cases {
        let found = log_weighted_sum_exp(&x, &weights).unwrap();
        let allowed = 3e-13_f64.max(1e-15 * truth.abs());
        assert!((found - truth).abs() <= allowed, "{found} {truth}");
    }
}

#[test]
fn beta_law_of_minute_shapes_is_two_points() {
    // a, b → 0: mass b/(a + b) at 0 and a/(a + b) at 1.
    for tiny in [1e-17, 1e-100, 1e-300, 1e-320] {
        for (b, exact) in [(tiny, 0.5), (3.0 * tiny, 0.75)] {
            let p = beta_regularized(tiny, b, 0.5).unwrap();
            assert!(
                (p / exact - 1.0).abs() < 3e-3_f64.min(1e-12 + 1e-323 / tiny),
                "{tiny} {b}: {p}"
            );
            let mirrored = beta_regularized(b, tiny, 0.5).unwrap();
            assert!((mirrored - (1.0 - exact)).abs() < 1e-12 + 1e-323 / tiny);
        }
        // All mass at the side of the large shape.
        assert!(beta_regularized(1e12, tiny, 0.5).unwrap() < 1e-300);
        assert_eq!(beta_regularized(tiny, 1e12, 0.5), Ok(1.0));
    }
}
