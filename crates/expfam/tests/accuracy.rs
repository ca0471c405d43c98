//! Families against values of 50 digits, and at the edges of the range of numbers.

use ergodic_core::{ExponentialFamily, Randomness};
use ergodic_expfam::families::*;
use ergodic_math::rng;
use nalgebra::{DMatrix, DVector};

fn close(found: f64, exact: f64, relative: f64, what: &str) {
    assert!(
        (found - exact).abs() <= relative * exact.abs(),
        "{what}: {found:e} is not {exact:e}"
    );
}

fn natural_of<F: ExponentialFamily>(family: &F, mean: &[f64]) -> Vec<f64> {
    let mut natural = vec![0.0; family.dim()];
    family.natural_from_mean(mean, &mut natural).unwrap();
    natural
}

#[test]
fn inverse_maps_have_the_relative_accuracy_that_the_means_hold() {
    // Gamma: log α − ψ(α) = gap, with E x = 1.
    for (gap, exact) in [
        (1e-12, 500000000000.1667),
        (1e-8, 50000000.166666664),
        (0.0002, 2500.1666555543707),
        (0.0025, 200.16652759350094),
        (0.01, 50.16610820660233),
        (0.03, 16.83164159857609),
        (0.04, 12.664400846829793),
        (0.5, 1.1377247271478588),
        (1.0, 0.6155567664795943),
        (3.0, 0.23855463469170035),
        (30.0, 0.03033325839573185),
        (600.0, 0.0016506223448106557),
    ] {
        let found = natural_of(&Gamma, &[-gap, 1.0])[1];
        close(-found, exact, 3e-14, &format!("gamma of gap {gap}"));
        let found = natural_of(&InverseGamma, &[gap, 1.0])[1];
        close(-found, exact, 3e-14, &format!("inverse gamma of gap {gap}"));
        let found = natural_of(&NormalGamma, &[-gap, 1.0, 0.0, 1.0])[1];
        close(-found, exact, 3e-14, &format!("normal–gamma of gap {gap}"));
    }
    // Wishart: d log a − ψ_d(a) = gap, with E X = I.
    for (d, gap, exact) in [
        (2, 1e-10, 15000000000.36111),
        (2, 0.001, 1500.3611352864043),
        (3, 0.5, 6.56252602702916),
        (5, 40.0, 2.029341811848721),
        (50, 1.0, 645.9691931520618),
        (50, 1e-6, 637500008.4133987),
    ] {
        let family = Wishart::new(d).unwrap();
        let mut mean = vec![0.0; family.dim()];
        mean[0] = -gap;
        let mut diagonal = 1;
        for i in 0..d {
            mean[diagonal] = 1.0;
            diagonal += i + 2;
        }
        // −½ svec V⁻¹ = −a svec (E X)⁻¹
        let found = natural_of(&family, &mean)[1];
        close(-found, exact, 2e-14, &format!("Wishart {d} of gap {gap}"));
    }
    for (n, mean, exact) in [
        (10u64, 3.0, -0.8472978603872036),
        (10, 5.000000001, 4.000000330961484e-10),
        (1 << 50, 788129934789836.8, 0.8472978603872034),
        (10, 9.99999999999909, 30.028472315391767),
        (7, 1e-300, -692.721438047269),
    ] {
        let family = Binomial::new(n).unwrap();
        close(natural_of(&family, &[mean])[0], exact, 4e-16, "binomial");
    }
    let family = Binomial::new(7).unwrap();
    for mean in [0.0, 7.0, -1.0, 8.0, f64::NAN, f64::INFINITY] {
        let error = family.natural_from_mean(&[mean], &mut [0.0]).unwrap_err();
        assert_eq!(error.argument, "mean", "{mean}");
    }
    // The smallest number of many trials.
    let many = Multinomial::new(2, 1 << 53).unwrap();
    let theta = natural_of(&many, &[5e-324])[0];
    close(
        theta,
        5e-324f64.ln() - 53.0 * std::f64::consts::LN_2,
        1e-15,
        "multinomial",
    );
    let theta = Categorical::new(2)
        .unwrap()
        .natural(&[1e-310, 1.0])
        .unwrap()[0];
    close(theta, -(1e-310f64.ln()), 1e-15, "categorical");
}

/// `I_{d/2}/I_{d/2−1}`, its derivative, and the log-partition.
#[test]
fn means_and_variances_of_directions_have_full_accuracy() {
    for (d, kappa, length, slope, a) in [
        (2, 1e-9, 5e-10, 0.5, 1.8378770664093456),
        (
            2,
            1e-6,
            4.999999999999375e-7,
            0.4999999999998125,
            1.8378770664095956,
        ),
        (
            2,
            9e-7,
            4.499999999999544e-7,
            0.4999999999998481,
            1.837877066409548,
        ),
        (
            3,
            1e-4,
            3.3333333311111114e-5,
            0.33333333266666665,
            2.5310242486359575,
        ),
        (
            3,
            1.0,
            0.3130352854993313,
            0.27593833903368953,
            2.6924636085404865,
        ),
        (
            50,
            7.0,
            0.13745327668998789,
            0.018933659897270368,
            -24.987844209019503,
        ),
        (
            10000,
            1.0,
            9.999999900019998e-5,
            9.999999700059997e-5,
            -31858.28368925779,
        ),
        (
            10000,
            1e4,
            0.6180492677680385,
            2.763977012974528e-5,
            -28083.924125311347,
        ),
        (
            10000,
            1e6,
            0.9950129949348082,
            4.974510274010702e-9,
            940105.3263783694,
        ),
        (
            2,
            1e8,
            0.999999995,
            5.0000000250000004e-17,
            99999991.70859817,
        ),
    ] {
        let what = format!("d = {d}, κ = {kappa}");
        let family = VonMisesFisher::new(d).unwrap();
        let mut natural = vec![0.0; d];
        natural[0] = kappa;
        let mut mean = vec![0.0; d];
        family.mean_from_natural(&natural, &mut mean).unwrap();
        close(mean[0], length, 1e-15, &what);
        assert!(mean[1..].iter().all(|m| *m == 0.0), "{what}");
        close(family.log_partition(&natural).unwrap(), a, 1e-14, &what);
        if d <= 50 {
            let mut fisher = vec![0.0; d * d];
            family.fisher_information(&natural, &mut fisher).unwrap();
            close(fisher[0], slope, 1e-13, &what);
            close(fisher[d + 1], length / kappa, 2e-15, &what);
            assert_eq!(fisher[1], 0.0, "{what}");
        }
    }
}

#[test]
fn densities_near_the_ends_of_the_unit_interval_keep_their_digits() {
    for (a, b, x, exact) in [
        (1.0, 1e10, 1e-10, 22.025850929990458),
        (3.5, 1e10, 1e-9, 17.581340056515998),
        (1e-20, 1e20, 1e-18, -104.6051701859881),
        (1e15, 2e15, 0.3333, -7500232.376289037),
        (0.01, 0.02, 0.999999, 8.528887986079317),
        (1e12, 1.0, 0.999999999999, 26.63104323764917),
    ] {
        let found = Beta.log_density(&[a, b], &x).unwrap();
        // Far from the mode a rounding of x is one of n times the distance.
        let off: f64 = a - (a + b) * x;
        let relative = 1e-14 + 1e-16 * (off / exact).abs();
        close(found, exact, relative, &format!("beta {a} {b} at {x}"));
    }
}

#[test]
fn divergences_of_close_laws_of_several_parameters_keep_their_digits() {
    let family = Categorical::new(3).unwrap();
    let (p, q) = ([0.5, -1.0], [0.5 + (-30f64).exp2(), -1.0 - (-29f64).exp2()]);
    let found = family.kl_divergence(&p, &q).unwrap();
    close(found, 4.088575592479921e-19, 1e-14, "categorical");
    let counts = Multinomial::new(3, 5).unwrap();
    close(
        counts.kl_divergence(&p, &q).unwrap(),
        5.0 * found,
        1e-15,
        "multinomial",
    );
    let far = family.kl_divergence(&[3.0, -40.0], &[-2.0, 5.0]).unwrap();
    close(far, 6.7219039999328976, 1e-15, "far");
    assert!(family.kl_divergence(&[0.0, f64::NAN], &p).is_err());
    assert!(family.kl_divergence(&p, &[0.0]).is_err());
    let inverse = |m: f64, l: f64| InverseGaussian::natural(m, l).unwrap();
    for (p, q, exact) in [
        (
            inverse(1.0, 2.0),
            inverse(1.0 + (-20f64).exp2(), 2.0),
            9.094929670486251e-13,
        ),
        (
            inverse(0.5, 2.0),
            inverse(0.5, 2.0 + (-19f64).exp2()),
            2.273735308830458e-13,
        ),
        (inverse(1.0, 2.0), inverse(3.0, 0.5), 0.42925829167105645),
    ] {
        // The means come from the quotient of the parameters, which is known to some ulp.
        let found = InverseGaussian.kl_divergence(&p, &q).unwrap();
        close(found, exact, 1e-9, "inverse Gaussian");
    }
    // A precision with the eigenvalues 1 and 2⁻⁴⁴, whose difference from 1 has lost the second.
    let plane = MultivariateNormal::new(2).unwrap();
    let (a, b) = (0.5 + (-45f64).exp2(), 0.5 - (-45f64).exp2());
    let root = std::f64::consts::SQRT_2;
    let p = [0.0, 0.0, -0.5, 0.0, -0.5];
    let q = [0.0, 0.0, -0.5 * a, -0.5 * b * root, -0.5 * a];
    let found = plane.kl_divergence(&p, &q).unwrap();
    // √2 times √2 is no exact 2: it moves the small eigenvalue by 2⁻⁵³ of 2⁻⁴⁴.
    close(found, 14.749237972318825, 1e-3, "normal");
    let steep = [0.0, 0.0, -0.5e-20, 0.0, -0.5];
    let found = plane.kl_divergence(&p, &steep).unwrap();
    close(
        found,
        0.5 * (20.0 * std::f64::consts::LN_10 - 1.0),
        1e-14,
        "normal, apart",
    );
}

#[test]
fn parameters_that_the_natural_ones_cannot_hold_are_refused() {
    for shape in [1e-17, 1e-300] {
        assert_eq!(Gamma::natural(shape, 1.0).unwrap_err().argument, "shape");
        assert_eq!(
            InverseGamma::natural(shape, 1.0).unwrap_err().argument,
            "shape"
        );
        assert_eq!(ChiSquared::natural(shape).unwrap_err().argument, "degrees");
    }
    for shape in [1e-15, 1.0, 1e300] {
        assert!(
            Gamma
                .check_natural(&Gamma::natural(shape, 1.0).unwrap())
                .is_ok()
        );
        assert!(
            InverseGamma
                .check_natural(&InverseGamma::natural(shape, 1.0).unwrap())
                .is_ok()
        );
        assert!(
            ChiSquared
                .mean_from_natural(&ChiSquared::natural(shape).unwrap(), &mut [0.0])
                .is_ok()
        );
    }
    assert!(NormalGamma::natural(1e160, 1.0, 1.0, 1.0).is_err());
    assert!(NormalGamma::natural(0.0, 1.0, 1e-20, 1.0).is_err());
    let wishart = Wishart::new(3).unwrap();
    let identity = DMatrix::<f64>::identity(3, 3);
    let error = wishart.natural(4.0, &(&identity * 1e-310)).unwrap_err();
    assert_eq!(error.argument, "scale");
    let nearly = 2.0 + 2.0 * f64::EPSILON;
    let inverse = InverseWishart::new(3).unwrap();
    for refused in [
        wishart.natural(nearly, &identity),
        inverse.natural(nearly, &identity),
    ] {
        // Refused, or taken with what it says.
        match refused {
            Err(error) => assert_eq!(error.argument, "degrees"),
            Ok(natural) => assert_eq!(natural[0], -1.0 + f64::EPSILON),
        }
    }
    for d in [0.0, 2.0, -1.0, f64::NAN] {
        assert_eq!(
            wishart.natural(d, &identity).unwrap_err().argument,
            "degrees"
        );
    }
    // Means and shapes whose squares leave the range of numbers.
    let natural = InverseGaussian::natural(1e200, 1e300).unwrap();
    close(natural[0], -5e-101, 1e-14, "inverse Gaussian");
    let (mean, shape) = InverseGaussian::usual(&[-0.5e-200, -0.5e200]).unwrap();
    close(mean, 1e200, 1e-14, "mean");
    close(shape, 1e200, 1e-14, "shape");
    // Log-partitions beyond the range of numbers.
    let many = Binomial::new(1 << 53).unwrap();
    assert!(many.log_partition(&[1e300]).is_err());
    assert!(
        Multinomial::new(2, 1 << 53)
            .unwrap()
            .log_partition(&[1e300])
            .is_err()
    );
    assert!(
        NegativeBinomial::new(1e308)
            .unwrap()
            .log_partition(&[-1e-300])
            .is_err()
    );
    assert!(
        Independent::new(Bernoulli, 1 << 40)
            .unwrap()
            .log_partition(&[1e300])
            .is_err()
    );
    let twice = Product::new(Bernoulli, Bernoulli);
    assert!(twice.log_partition(&[1.7e308, 1.7e308]).is_err());
    // The ends of the unit interval are outside, and lists of another length.
    assert_eq!(Beta.log_base_measure(&1.0), f64::NEG_INFINITY);
    assert_eq!(Beta.log_base_measure(&0.0), f64::NEG_INFINITY);
    let pair = Componentwise::new(Poisson, 2).unwrap();
    assert_eq!(pair.log_base_measure(&[3]), f64::NEG_INFINITY);
    assert_eq!(
        pair.log_density(&[0.0, 0.0], &[3]).unwrap(),
        f64::NEG_INFINITY
    );
    assert!(pair.log_density(&[0.0, f64::NAN], &[3]).is_err());
    let error = pair.log_partition(&[0.0, 800.0]).unwrap_err();
    assert!(error.found.contains("place 1"), "{error}");
    assert_eq!(
        Componentwise::new(Poisson, 0).unwrap_err().argument,
        "places"
    );
    assert_eq!(GammaKnownShape::new(0.0).unwrap_err().argument, "shape");
    assert_eq!(
        GammaKnownShape::natural(f64::NAN).unwrap_err().argument,
        "rate"
    );
    // Columns of very long or short directions.
    for size in [1e200, 1e-200] {
        let columns = DMatrix::from_row_slice(2, 2, &[size, 0.0, 0.0, size]);
        assert!(Subfamily::new(Normal, &[0.0, -0.5], columns).is_ok());
    }
}

#[test]
fn draws_around_the_circle_are_uniform_where_the_concentration_vanishes() {
    // Where √(1 + 4κ²) rounds to 1, and where it hardly does not.
    for (seed, kappa) in [
        (1, 1e-300),
        (2, 1e-12),
        (3, 1.1e-8),
        (4, 1.5e-8),
        (5, 1e-7),
        (6, 1e-5),
    ] {
        let mut random = rng::stream(seed, 4);
        let n = 4000;
        let mut quarters = [0.0; 4];
        for _ in 0..n {
            let x = VonMises.sample(&[kappa, 0.0], &mut random).unwrap();
            let quarter = (x / std::f64::consts::FRAC_PI_2).floor() + 2.0;
            quarters[(quarter as usize).min(3)] += 1.0;
        }
        for count in quarters {
            // 6.5 standard deviations: 24 comparisons with an error of 1e-10 each.
            let off = (count - 1000.0) / 750f64.sqrt();
            assert!(off.abs() < 6.5, "{kappa}: {quarters:?}");
        }
    }
}

#[test]
fn gamma_draws_of_huge_shapes_have_their_variance() {
    // (x/α − 1)√α is nearly standard normal, of whatever shape.
    for (seed, shape) in [(1, 1e6), (2, 1e16), (3, 1e20)] {
        let natural = Gamma::natural(shape, 1.0).unwrap();
        let mut random = rng::stream(seed, 5);
        let n = 4000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..n {
            let x = Gamma.sample(&natural, &mut random).unwrap();
            let z = (x / shape - 1.0) * shape.sqrt();
            sum += z;
            squares += z * z;
        }
        let n = f64::from(n);
        // The logarithm of a draw is rounded at some units in 10¹⁵, which a shape of 10²⁰ has multiplied by 10¹⁰: 1e-4.
        let bias = 8e-15 * shape.sqrt();
        assert!(
            (sum / n).abs() < 5.5 / n.sqrt() + bias,
            "{shape}: mean {}",
            sum / n
        );
        let spread = 5.5 * (2.0 / n).sqrt() + bias;
        assert!(
            (squares / n - 1.0).abs() < spread,
            "{shape}: variance {}",
            squares / n
        );
    }
}

/// Where the root `1 + cz` of a proposal is all but 0, which a tape of draws brings about: it is refused.
#[test]
fn gamma_proposals_at_the_end_of_their_range_are_refused() {
    struct Tape(Vec<f64>, Vec<f64>);
    impl Randomness for Tape {
        fn bernoulli(&mut self, p: f64) -> bool {
            assert!((0.0..=1.0).contains(&p), "{p}");
            self.1.push(p);
            p > 0.5
        }
        fn index(&mut self, _: usize) -> usize {
            0
        }
        fn categorical(&mut self, _: &[f64]) -> usize {
            0
        }
        fn uniform(&mut self) -> f64 {
            0.5
        }
        fn normal(&mut self) -> f64 {
            self.0.pop().unwrap_or(0.0)
        }
        fn exponential(&mut self) -> f64 {
            1.0
        }
    }
    // d = 2/3 and c = 1/√6: the root vanishes at −√6.
    let end = -6f64.sqrt();
    let nearly = (1..200)
        .map(|k| end * (1.0 - f64::from(k) * 1e-16))
        .collect();
    let mut tape = Tape(nearly, Vec::new());
    let x = Gamma
        .sample(&Gamma::natural(1.0, 1.0).unwrap(), &mut tape)
        .unwrap();
    assert!((x - 2.0 / 3.0).abs() < 1e-15, "{x}");
    let (last, rest) = tape.1.split_last().unwrap();
    assert!(
        *last > 0.99 && rest.iter().all(|p| *p < 1e-6),
        "{:?}",
        tape.1
    );
}

#[test]
fn inverse_gaussian_draws_at_the_ends_of_the_range_are_positive_or_refused() {
    let mut random = rng::stream(2, 6);
    for (mean, shape) in [
        (1e200, 1e10),
        (1e300, 1e-300),
        (1e-300, 1e300),
        (1e150, 1e-10),
    ] {
        let Ok(natural) = InverseGaussian::natural(mean, shape) else {
            continue;
        };
        for _ in 0..200 {
            match InverseGaussian.sample(&natural, &mut random) {
                Ok(x) => assert!(x > 0.0 && x.is_finite(), "{mean} {shape}: {x}"),
                Err(error) => assert_eq!(error.argument, "natural"),
            }
        }
    }
    // The law of λ/χ²: where the mean is far beyond its draws, the medians of λ/x and of χ² agree.
    let natural = InverseGaussian::natural(1e150, 1e-5).unwrap();
    let below = (0..4000).filter(|_| {
        let x = InverseGaussian.sample(&natural, &mut random).unwrap();
        1e-5 / x < 0.454936423119572
    });
    // Half of 4000, within 6.5 standard deviations of 31.6.
    let below = below.count();
    assert!((1794..2206).contains(&below), "{below}");
}

#[test]
fn laws_of_known_covariance_are_those_of_unknown_covariance_with_it() {
    let covariance =
        DMatrix::from_row_slice(3, 3, &[2.0, 0.5, 0.0, 0.5, 1.0, -0.3, 0.0, -0.3, 0.7]);
    let family = MultivariateNormalKnownCovariance::new(covariance.clone()).unwrap();
    let whole = MultivariateNormal::new(3).unwrap();
    let mean = DVector::from_column_slice(&[1.0, -2.0, 0.5]);
    let (own, all) = (
        family.natural(&mean).unwrap(),
        whole.natural(&mean, &covariance).unwrap(),
    );
    for x in [[0.0, 0.0, 0.0], [3.0, -1.0, 2.0]] {
        let (a, b) = (
            family.log_density(&own, &x).unwrap(),
            whole.log_density(&all, &x).unwrap(),
        );
        close(a, b, 1e-14, "density");
        let mut t = [0.0; 3];
        family.sufficient_statistics(&x, &mut t);
        let tilt: f64 = t.iter().zip(&own).map(|(t, n)| t * n).sum();
        let sum = family.log_base_measure(&x) + tilt - family.log_partition(&own).unwrap();
        close(sum, b, 1e-13, "sum");
    }
    let other = DVector::from_column_slice(&[1.0, -1.0, 0.5]);
    let kl = family
        .kl_divergence(&own, &family.natural(&other).unwrap())
        .unwrap();
    let known = whole
        .kl_divergence(&all, &whole.natural(&other, &covariance).unwrap())
        .unwrap();
    close(kl, known, 1e-13, "divergence");
    let mut back = [0.0; 3];
    family.mean_from_natural(&own, &mut back).unwrap();
    for (b, m) in back.iter().zip(&mean) {
        close(*b, *m, 1e-14, "mean");
    }
    // Only the lower triangle counts.
    let mut odd = covariance.clone();
    odd[(0, 2)] = 9.0;
    assert_eq!(MultivariateNormalKnownCovariance::new(odd).unwrap(), family);
    for bad in [
        DMatrix::zeros(0, 0),
        DMatrix::zeros(2, 3),
        DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 2.0, 1.0]),
        DMatrix::from_element(1, 1, f64::NAN),
        DMatrix::from_element(1, 1, 1e-310),
    ] {
        let error = MultivariateNormalKnownCovariance::new(bad).unwrap_err();
        assert_eq!(error.argument, "covariance");
    }
    assert_eq!(
        family.log_partition(&[1.0]).unwrap_err().argument,
        "natural"
    );
    assert!(family.log_partition(&[1e200, 0.0, 0.0]).is_err());
    assert_eq!(
        family.natural(&DVector::zeros(2)).unwrap_err().argument,
        "mean"
    );
    assert_eq!(
        family
            .natural_from_mean(&[f64::NAN; 3], &mut back)
            .unwrap_err()
            .argument,
        "mean"
    );
    assert_eq!(family.log_density(&own, &[1.0]).unwrap(), f64::NEG_INFINITY);
}

/// Where one scale is nothing beside the other, and where only the parameters are close.
#[test]
fn divergences_of_laws_far_apart_are_finite_and_keep_their_digits() {
    let narrow = |v: f64| Normal::natural(0.0, v).unwrap();
    let wide = narrow(1.0);
    let found = Normal.kl_divergence(&narrow(1e-17), &wide).unwrap();
    close(found, 19.071973290449388, 1e-14, "normal");
    let found = DiagonalNormal::new(1).unwrap();
    let found = found.kl_divergence(&narrow(1e-17), &wide).unwrap();
    close(found, 19.071973290449388, 1e-14, "diagonal normal");
    let (one, flat) = (
        InverseGaussian::natural(1.0, 1.0).unwrap(),
        InverseGaussian::natural(1.0, 1e-12).unwrap(),
    );
    let found = InverseGaussian.kl_divergence(&one, &flat).unwrap();
    close(found, 13.315510557964775, 1e-12, "inverse Gaussian");
    for (here, there, exact) in [
        (-1e-20, -1e-40, 45.051701859880914),
        (-1e-3, -1e-13, 22.02585088837379),
    ] {
        let found = Geometric.kl_divergence(&[here], &[there]).unwrap();
        close(found, exact, 1e-13, "geometric");
    }
    // The angle of no direction, whatever the signs of its zeros.
    let nowhere = VonMises::natural(3.0, 0.0).unwrap();
    assert_eq!(VonMises::usual(&nowhere).unwrap(), (0.0, 0.0));
}
