//! Predictive laws: values of 50 digits, draws, and the priors that the rest of the tests leave out.

use ergodic_core::ExponentialFamily;
use ergodic_expfam::families::*;
use ergodic_expfam::{Conjugate, Fit, Member};
use ergodic_math::quadrature::gauss_legendre_on;
use ergodic_math::rng;
use nalgebra::{DMatrix, DVector};

fn close(found: f64, exact: f64, relative: f64, what: &str) {
    assert!(
        (found - exact).abs() <= relative * (1.0 + exact.abs()),
        "{what}: {found} is not {exact}"
    );
}

/// Against `mpmath` with 60 digits, at the parameters as `f64` holds them: also where the log-partitions whose
/// difference they are have no digit after the point.
#[test]
fn predictive_probabilities_of_counts_keep_their_digits_after_much_data() {
    for (n, k, a, b, exact) in [
        (10u64, 3u64, 2.5, 6.0, -1.7337029267681368),
        (10, 0, 1e9, 3e9, -2.8768207207678094),
        (
            1_000_000_000_000_000,
            300_000_000_000_000,
            3e14,
            7e14,
            -17.754576446807654,
        ),
        (1 << 53, 1 << 52, 2.0, 3.0, -36.33133546156894),
        (100, 40, 1e-3, 1e-3, -10.780392654645988),
        (
            1_000_000_000_000,
            500_000_000_000,
            1e15,
            1e15,
            -14.041551848130077,
        ),
        (7, 7, 1e-12, 5.0, -35.37602391944287),
    ] {
        let family = Binomial::new(n).unwrap();
        let found = family.log_predictive(&[a, b], &k).unwrap();
        close(
            found,
            exact,
            2e-13,
            &format!("beta–binomial {n} {k} {a} {b}"),
        );
        // Two outcomes of a multinomial law.
        let pair = Multinomial::new(2, n).unwrap();
        let same = pair.log_predictive(&[b, a], &[n - k, k]).unwrap();
        close(same, exact, 2e-13, "Dirichlet–multinomial");
    }
    for (x, shape, rate, exact) in [
        (3u64, 1.5, 2.0, -3.121275188916943),
        (0, 1e12, 1e9, -999.9999995),
        (1_000_000_000_000_000, 2.5, 1e-15, -35.823459265383605),
        (5, 0.75, 1e-300, -518.7057025812513),
        (1_000_000_000_000_000, 1e15, 1.0, -18.53490032093999),
        (1000, 1e15, 1e12, -4.372899506026797),
    ] {
        let prior = Gamma::natural(shape, rate).unwrap();
        let found = Poisson.log_predictive(&prior, &x).unwrap();
        close(found, exact, 2e-13, &format!("gamma–Poisson {x} {shape}"));
    }
    for (x, r, a, b, exact) in [
        (2u64, 2.5, 2.0, 3.0, -2.096729850009303),
        (1_000_000_000_000_000, 1.0, 3e8, 3e9, -3800546847.5002294),
        (1_000_000_000_000, 1e12, 1e15, 1e15, -15.081522431615586),
        (0, 1.0, 1e10, 1e3, -9.999999500000033e-8),
        (7, 1e-3, 0.5, 0.5, -10.418354994035964),
    ] {
        let family = NegativeBinomial::new(r).unwrap();
        let found = family.log_predictive(&[a, b], &x).unwrap();
        close(
            found,
            exact,
            2e-13,
            &format!("beta–negative binomial {x} {r}"),
        );
        if r == 1.0 {
            assert_eq!(Geometric.log_predictive(&[a, b], &x).unwrap(), found);
        }
    }
    // (α + 0 or 1)/(α + β), exactly.
    let found = Bernoulli.log_predictive(&[1e15, 3e15], &true).unwrap();
    close(found, 0.25f64.ln(), 1e-15, "Bernoulli");
    let found = Bernoulli.log_predictive(&[1.0, 1e20], &false).unwrap();
    assert!((found / -1e-20 - 1.0).abs() < 1e-15, "{found}");
    let three = Categorical::new(3).unwrap();
    let found = three.log_predictive(&[1e15, 2e15, 5e15], &2).unwrap();
    close(found, 0.625f64.ln(), 1e-15, "categorical");
}

#[test]
fn predictive_densities_keep_their_digits_after_much_data() {
    for (x, shape, rate, exact) in [
        (0.3, 2.5, 2.0, -0.26602324699884566),
        (1.0, 1125899906842624.0, 1e15, -1.0073172737560443),
        (1e-10, 1e-7, 1e300, -706.8936235496984),
        (5.0, 1e12, 3e12, -2.765278955335054),
    ] {
        let prior = Gamma::natural(shape, rate).unwrap();
        let found = Exponential.log_predictive(&prior, &x).unwrap();
        close(found, exact, 2e-14, &format!("Lomax {x} {shape} {rate}"));
    }
    for (x, known, shape, rate, exact) in [
        (0.3, 3.0, 2.5, 2.0, -2.276093916809229),
        (1.0, 0.5, 1125899906842624.0, 1e15, -1.638973533224034),
        (1.0, 1e15, 1125899906842624.0, 1.0, -3730200308875.625),
        (7.0, 1e4, 1e6, 1e3, -560.5498134729115),
    ] {
        let prior = Gamma::natural(shape, rate).unwrap();
        let family = GammaKnownShape::new(known).unwrap();
        let found = family.log_predictive(&prior, &x).unwrap();
        close(
            found,
            exact,
            1e-13,
            &format!("beta prime {x} {known} {shape}"),
        );
    }
    for (x, m, kappa, shape, rate, exact) in [
        (1.0, 0.5, 2.0, 3.0, 0.7, -0.8291801354956758),
        (1.0, 0.5, 1e12, 1e12, 7e11, -0.9191724898072549),
        (40.0, 0.0, 1e-9, 0.25, 1e-3, -8.912035146080916),
        (0.5, 0.25, 1e6, 5e5, 1e5, -0.27047030257333954),
    ] {
        let prior = NormalGamma::natural(m, kappa, shape, rate).unwrap();
        let found = Normal.log_predictive(&prior, &x).unwrap();
        // The rate comes back from −β − κm²/2 with some roundings.
        close(found, exact, 1e-14, &format!("Student {x} {kappa}"));
        let log = LogNormal.log_predictive(&prior, &x.exp()).unwrap();
        close(log, exact - x, 3e-14, &format!("log-Student {x} {kappa}"));
        let line = DiagonalNormal::new(2).unwrap();
        let both = [prior, prior].concat();
        let pair = line.log_predictive(&both, &[x, x]).unwrap();
        close(pair, 2.0 * exact, 1e-14, &format!("two places {x} {kappa}"));
    }
    let plane = NormalInverseWishart::new(2).unwrap();
    let family = MultivariateNormal::new(2).unwrap();
    let big = 2f64.powi(40);
    for (m, kappa, degrees, scale, exact) in [
        ([0.5, -0.5], 1.5, 4.0, [1.0, 0.25, 2.0], -1.9406913649336799),
        (
            [0.0, 0.0],
            big,
            big,
            [big, 0.25 * big, 2.0 * big],
            -2.733092436565815,
        ),
    ] {
        let scale = DMatrix::from_row_slice(2, 2, &[scale[0], scale[1], scale[1], scale[2]]);
        let m = DVector::from_column_slice(&m);
        let prior = plane.natural(&m, kappa, degrees, &scale).unwrap();
        let found = family.log_predictive(&prior, &[1.0, -0.25]).unwrap();
        close(found, exact, 3e-15, &format!("multivariate t {kappa}"));
    }
}

/// The evidence of a sample is the product of the predictive densities along it.
fn chain_rule<F>(family: &F, prior: &[f64], sample: &[<F::Sample as ToOwned>::Owned])
where
    F: Conjugate,
{
    let whole = Fit::of(family, sample.iter().map(std::borrow::Borrow::borrow)).unwrap();
    let evidence = family.log_evidence(prior, &whole).unwrap();
    let mut now = prior.to_vec();
    let mut sum = 0.0;
    for x in sample.iter().rev() {
        let x: &F::Sample = std::borrow::Borrow::borrow(x);
        let one = Fit::of(family, [x]).unwrap();
        let predictive = family.log_predictive(&now, x).unwrap();
        let plain = family.log_evidence(&now, &one).unwrap();
        close(predictive, plain, 1e-12, std::any::type_name::<F>());
        sum += predictive;
        now = family.posterior(&now, &one).unwrap();
    }
    close(evidence, sum, 1e-12, std::any::type_name::<F>());
    for (a, b) in now.iter().zip(family.posterior(prior, &whole).unwrap()) {
        close(*a, b, 1e-13, std::any::type_name::<F>());
    }
    // Nothing comes of a prior that is none, or of an observation outside the support.
    assert!(
        family
            .log_predictive(
                &vec![f64::NAN; prior.len()],
                std::borrow::Borrow::borrow(&sample[0])
            )
            .is_err()
    );
    let mut random = rng::stream(1, 0);
    assert!(
        family
            .sample_predictive(&vec![f64::NAN; prior.len()], &mut random)
            .is_err()
    );
    assert!(family.sample_natural(&prior[1..], &mut random).is_err());
}

fn covariance() -> DMatrix<f64> {
    DMatrix::from_row_slice(2, 2, &[2.0, 0.5, 0.5, 1.0])
}

#[test]
fn priors_of_vectors_and_known_shapes_obey_the_chain_rule() {
    let gamma = Gamma::natural(1.5, 2.0).unwrap();
    chain_rule(
        &GammaKnownShape::new(2.5).unwrap(),
        &gamma,
        &[0.3, 2.0, 0.01],
    );
    let place = |m: f64| NormalGamma::natural(m, 2.0, 1.5, 0.7).unwrap();
    let places = [place(0.5), place(-1.0)].concat();
    let points = [vec![0.1, -1.0], vec![2.0, 0.3], vec![-0.5, 0.0]];
    chain_rule(&DiagonalNormal::new(2).unwrap(), &places, &points);
    let plane = MultivariateNormal::new(2).unwrap();
    let mean = DVector::from_column_slice(&[0.5, -0.5]);
    let prior = plane.natural(&mean, &(covariance() * 3.0)).unwrap();
    let known = MultivariateNormalKnownCovariance::new(covariance()).unwrap();
    chain_rule(&known, &prior, &points);
    let rates = [gamma, Gamma::natural(4.0, 1.0).unwrap()].concat();
    chain_rule(
        &Componentwise::new(Poisson, 2).unwrap(),
        &rates,
        &[vec![3, 0], vec![1, 7]],
    );
    chain_rule(
        &Independent::new(Poisson, 2).unwrap(),
        &gamma,
        &[vec![3, 0], vec![1, 7]],
    );
    let both = Product::new(Bernoulli, Poisson);
    chain_rule(
        &both,
        &[2.0, 3.0, gamma[0], gamma[1]],
        &[(true, 3), (false, 0)],
    );
}

#[test]
fn the_posterior_of_a_diagonal_normal_law_is_that_of_each_place() {
    let family = DiagonalNormal::new(3).unwrap();
    let place = |m: f64, kappa: f64| NormalGamma::natural(m, kappa, 2.0, 1.5).unwrap();
    let priors = [place(0.0, 1.0), place(1.0, 0.3), place(-2.0, 5.0)];
    let points = [[0.1, 4.0, -1.0], [2.5, 0.3, 0.0]];
    let fit = Fit::of(&family, points.iter().map(|x| &x[..])).unwrap();
    let found = family.posterior(&priors.concat(), &fit).unwrap();
    for (i, prior) in priors.iter().enumerate() {
        let own = Fit::of(&Normal, points.map(|x| x[i])).unwrap();
        let known = Normal.posterior(prior, &own).unwrap();
        assert_eq!(found[4 * i..4 * i + 4], known[..]);
    }
    assert_eq!(
        family
            .log_predictive(&priors.concat(), &[1.0])
            .unwrap_err()
            .argument,
        "sample"
    );
}

#[test]
fn counts_are_added_to_the_prior_without_rounding() {
    // 1/49 · 49 is not 1.
    let coins = (0..49).map(|i| i == 7);
    let fit = Fit::of(&Bernoulli, coins).unwrap();
    assert_eq!(Bernoulli.posterior(&[1.0, 1.0], &fit).unwrap(), [2.0, 49.0]);
    let three = Categorical::new(3).unwrap();
    let fit = Fit::of(&three, (0..49).map(|i| if i == 7 { 1usize } else { 2 })).unwrap();
    // Outcome 0 never came: its parameter stays, however small.
    assert_eq!(
        three.posterior(&[1e-20, 1.0, 1.0], &fit).unwrap(),
        [1e-20, 2.0, 49.0]
    );
    let pairs = Independent::new(Bernoulli, 7).unwrap();
    let draws: Vec<Vec<bool>> = (0..7)
        .map(|i| (0..7).map(|j| 7 * i + j == 7).collect())
        .collect();
    let fit = Fit::of(&pairs, draws).unwrap();
    assert_eq!(pairs.posterior(&[1.0, 1.0], &fit).unwrap(), [2.0, 49.0]);
}

const DRAWS: usize = 20_000;

/// Draws of the predictive law against its probabilities, cell by cell; the last cell is the rest. By
/// Bernstein's inequality a correct sampler fails one of at most 300 comparisons of this file with probability 1e-6.
fn draws_follow<F: Conjugate>(
    family: &F,
    prior: &[f64],
    seed: u64,
    mut cells: Vec<f64>,
    cell: impl Fn(&<F::Sample as ToOwned>::Owned) -> usize,
) {
    let name = std::any::type_name::<F>();
    cells.push(1.0 - cells.iter().sum::<f64>());
    assert!(cells.iter().all(|p| *p > -1e-9), "{name}: {cells:?}");
    let mut random = rng::stream(seed, 77);
    let mut counts = vec![0.0; cells.len()];
    for _ in 0..DRAWS {
        let x = family.sample_predictive(prior, &mut random).unwrap();
        counts[cell(&x).min(cells.len() - 1)] += 1.0;
    }
    let (n, log) = (DRAWS as f64, (2.0 * 300.0 / 1e-6f64).ln());
    for (k, (found, p)) in counts.iter().zip(&cells).enumerate() {
        let allowed = (2.0 * log * n * p * (1.0 - p)).max(0.0).sqrt() + log / 1.5;
        assert!(
            (found - n * p).abs() <= allowed,
            "{name}, cell {k}: {found} draws of {n}, expected {} ± {allowed}",
            n * p
        );
    }
}

/// The probabilities of cells between edges.
fn between(edges: &[f64], log_density: impl Fn(f64) -> f64) -> Vec<f64> {
    edges
        .windows(2)
        .map(|e| {
            let rule = gauss_legendre_on(40, e[0], e[1]).unwrap();
            rule.integrate(|x| log_density(x).exp())
        })
        .collect()
}

/// The cell of a number; beyond the edges the last one.
fn place(edges: &[f64], x: f64) -> usize {
    match edges.iter().position(|e| x < *e) {
        None | Some(0) => usize::MAX,
        Some(k) => k - 1,
    }
}

#[test]
fn draws_of_predictive_laws_of_counts_have_their_probabilities() {
    let beta = [0.6, 1.7];
    let upto = |n: u64, f: &dyn Fn(u64) -> f64| (0..n).map(|x| f(x).exp()).collect::<Vec<f64>>();
    let p = Bernoulli.log_predictive(&beta, &false).unwrap().exp();
    draws_follow(&Bernoulli, &beta, 1, vec![p], |x| usize::from(*x));
    let five = Binomial::new(5).unwrap();
    let cells = upto(5, &|x| five.log_predictive(&beta, &x).unwrap());
    draws_follow(&five, &beta, 2, cells, |x| *x as usize);
    // A prior with success probabilities near 0 has draws beyond 2⁵³.
    let beta = [4.0, 1.7];
    let cells_of = |r: f64| {
        let family = NegativeBinomial::new(r).unwrap();
        upto(8, &|x| family.log_predictive(&beta, &x).unwrap())
    };
    draws_follow(&Geometric, &beta, 3, cells_of(1.0), |x| *x as usize);
    let r = NegativeBinomial::new(2.5).unwrap();
    draws_follow(&r, &beta, 4, cells_of(2.5), |x| *x as usize);
    let gamma = Gamma::natural(1.3, 0.4).unwrap();
    let cells = upto(9, &|x| Poisson.log_predictive(&gamma, &x).unwrap());
    draws_follow(&Poisson, &gamma, 5, cells, |x| *x as usize);
    let simplex = [0.5, 2.0, 1.0];
    let three = Categorical::new(3).unwrap();
    let cells = upto(2, &|x| {
        three.log_predictive(&simplex, &(x as usize)).unwrap()
    });
    draws_follow(&three, &simplex, 6, cells, |x| *x);
    let two = Multinomial::new(3, 2).unwrap();
    let states = [[2u64, 0, 0], [0, 2, 0], [0, 0, 2], [1, 1, 0], [1, 0, 1]];
    let cells = states.map(|x| two.log_predictive(&simplex, &x).unwrap().exp());
    draws_follow(&two, &simplex, 7, cells.to_vec(), |x| {
        states.iter().position(|s| s[..] == x[..]).unwrap_or(5)
    });
    // Two draws of one rate go together, two places do not.
    let pair = |x: &Vec<u64>| {
        if x.iter().all(|k| *k < 3) {
            (3 * x[0] + x[1]) as usize
        } else {
            9
        }
    };
    let grid = |f: &dyn Fn([u64; 2]) -> f64| upto(9, &|k| f([k / 3, k % 3]));
    let shared = Independent::new(Poisson, 2).unwrap();
    let cells = grid(&|x| shared.log_predictive(&gamma, &x).unwrap());
    draws_follow(&shared, &gamma, 8, cells.clone(), pair);
    let apart = Componentwise::new(Poisson, 2).unwrap();
    let both = [gamma, Gamma::natural(3.0, 2.0).unwrap()].concat();
    let cells = grid(&|x| apart.log_predictive(&both, &x).unwrap());
    draws_follow(&apart, &both, 9, cells, pair);
    let product = Product::new(Poisson, Bernoulli);
    let prior = [gamma[0], gamma[1], 2.0, 5.0];
    let cells = upto(8, &|k| {
        product
            .log_predictive(&prior, &(k / 2, k % 2 == 1))
            .unwrap()
    });
    draws_follow(&product, &prior, 10, cells, |x| {
        2 * x.0 as usize + usize::from(x.1)
    });
}

#[test]
fn draws_of_predictive_laws_of_numbers_have_their_densities() {
    let gamma = Gamma::natural(1.8, 0.9).unwrap();
    let edges = [0.0, 0.1, 0.4, 1.0, 2.0, 5.0, 20.0];
    macro_rules! positive {
        ($($family:expr, $seed:expr, $shift:expr;)*) => {$({
            let (family, shift) = ($family, $shift);
            let cells = between(&edges, |x| family.log_predictive(&gamma, &(x + shift)).unwrap());
            draws_follow(&family, &gamma, $seed, cells, |x| place(&edges, *x - shift));
        })*};
    }
    positive! {
        Exponential, 11, 0.0;
        Rayleigh, 12, 0.0;
        Laplace::new(3.0).unwrap(), 13, 3.0;
        Weibull::new(2.0).unwrap(), 14, 0.0;
        GammaKnownShape::new(2.5).unwrap(), 15, 0.0;
    }
    // Pareto tails this heavy have draws beyond the range of numbers: a steeper prior.
    let steep = Gamma::natural(40.0, 9.0).unwrap();
    let pareto = Pareto::new(0.5).unwrap();
    let cells = between(&edges, |x| {
        pareto.log_predictive(&steep, &(x + 0.5)).unwrap()
    });
    draws_follow(&pareto, &steep, 16, cells, |x| place(&edges, *x - 0.5));
    let line = [-4.0, -2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 4.0];
    let prior = NormalGamma::natural(0.5, 0.8, 1.6, 1.1).unwrap();
    let cells = between(&line, |x| Normal.log_predictive(&prior, &x).unwrap());
    draws_follow(&Normal, &prior, 17, cells, |x| place(&line, *x));
    // Some draws of such a law have a logarithm above 709.
    let calm = NormalGamma::natural(0.5, 0.8, 8.0, 1.1).unwrap();
    let cells = between(&edges[1..], |x| {
        LogNormal.log_predictive(&calm, &x).unwrap()
    });
    draws_follow(&LogNormal, &calm, 18, cells, |x| place(&edges[1..], *x));
    let known = NormalKnownVariance::new(0.7).unwrap();
    let normal = Normal::natural(0.5, 2.0).unwrap();
    let cells = between(&line, |x| known.log_predictive(&normal, &x).unwrap());
    draws_follow(&known, &normal, 19, cells, |x| place(&line, *x));
    // Vectors along a direction: the laws of the line.
    let mean = DVector::from_column_slice(&[0.5, -0.5]);
    let space = NormalInverseWishart::new(2).unwrap();
    let wishart = space.natural(&mean, 1.5, 4.5, &covariance()).unwrap();
    let plane = MultivariateNormal::new(2).unwrap();
    let around = plane.natural(&mean, &(covariance() * 3.0)).unwrap();
    let fixed = MultivariateNormalKnownCovariance::new(DMatrix::from_row_slice(
        2,
        2,
        &[1.0, -0.6, -0.6, 1.0],
    ))
    .unwrap();
    for (seed, a) in [(20, [1.0, 0.0]), (21, [0.6, -0.8])] {
        let a = DVector::from_column_slice(&a);
        let along = |x: &Vec<f64>| place(&line, a.dot(&DVector::from_column_slice(x)));
        let form = (a.transpose() * covariance() * &a)[(0, 0)];
        // n − d + 1 degrees.
        let student = NormalGamma::natural(a.dot(&mean), 1.5, 1.75, 0.5 * form).unwrap();
        let cells = between(&line, |x| Normal.log_predictive(&student, &x).unwrap());
        draws_follow(&plane, &wishart, seed, cells, along);
        let variance = 3.0 * form + (a.transpose() * fixed.covariance() * &a)[(0, 0)];
        let wide = Normal::natural(a.dot(&mean), variance).unwrap();
        let cells = between(&line, |x| Normal.log_density(&wide, &x).unwrap());
        draws_follow(&fixed, &around, seed, cells, along);
    }
    let other = NormalGamma::natural(-0.5, 2.0, 3.0, 0.3).unwrap();
    let diagonal = DiagonalNormal::new(2).unwrap();
    for (i, own) in [prior, other].iter().enumerate() {
        let cells = between(&line, |x| Normal.log_predictive(own, &x).unwrap());
        let both = [prior, other].concat();
        draws_follow(&diagonal, &both, 22, cells, |x| place(&line, x[i]));
    }
}

#[test]
fn predictive_draws_survive_priors_whose_probabilities_round_to_0_and_1() {
    // Half of the draws of Beta(1e-4, 1e-4) are below 1e-300 or above 1 − 1e-300.
    let mut random = rng::stream(3, 0);
    let tiny = [1e-4, 1e-4];
    let heads = (0..2000).filter(|_| Bernoulli.sample_predictive(&tiny, &mut random).unwrap());
    let heads = heads.count();
    // Sixteen standard deviations of 22.
    assert!((650..1350).contains(&heads), "{heads}");
    let ten = Binomial::new(10).unwrap();
    let draws: Vec<u64> = (0..2000)
        .map(|_| ten.sample_predictive(&tiny, &mut random).unwrap())
        .collect();
    let none = draws.iter().filter(|x| **x == 0).count();
    assert!((650..1350).contains(&none), "{none}");
    // All or nothing: other numbers have a probability of about 10⁻⁴ · (1 + … + 1/9) each, .0006 in all.
    let mixed = draws.iter().filter(|x| (1..10).contains(*x)).count();
    assert!(mixed < 15, "{mixed}");
    let three = Categorical::new(3).unwrap();
    for _ in 0..500 {
        assert!(
            three
                .sample_predictive(&[1e-5, 1e-5, 1e-5], &mut random)
                .unwrap()
                < 3
        );
    }
    // A rate of e^{−10⁴} has no events, and no error.
    let never = Gamma::natural(1e-3, 1.0).unwrap();
    for _ in 0..500 {
        Poisson.sample_predictive(&never, &mut random).unwrap();
    }
    assert!(
        Bernoulli
            .sample_predictive(&[0.0, 1.0], &mut random)
            .is_err()
    );
    assert!(Poisson.sample_predictive(&[0.0, 1.0], &mut random).is_err());
}

#[test]
fn predictive_laws_of_vanishing_priors_and_of_none() {
    let ten = Binomial::new(10).unwrap();
    let found = ten.log_predictive(&[1e-320, 1e-320], &3).unwrap();
    close(
        found,
        -738.2623254162633,
        1e-14,
        "a prior that all but vanishes",
    );
    // n!/k!(n − k)! · Γ(k)Γ(n − k)/Γ(n) · αβ/(α + β)
    let many = Binomial::new(1 << 53).unwrap();
    let found = many.log_predictive(&[1e-320, 1e-320], &(1 << 51)).unwrap();
    let known = (16.0f64 / 3.0).ln() - 53.0 * 2f64.ln() + 5e-321f64.ln();
    close(found, known, 1e-14, "and many trials");
    let found = many.log_predictive(&[1e-320, 1e-320], &0).unwrap();
    close(found, 0.5f64.ln(), 1e-13, "of one kind");
    let few = NegativeBinomial::new(1e-310).unwrap();
    let found = few.log_predictive(&[1.0, 1.0], &0).unwrap();
    assert!(found.abs() < 1e-15, "{found}");
    let three = Categorical::new(3).unwrap();
    for bad in [[-1.0, 3.0], [1.0, 0.0], [f64::NAN, 1.0]] {
        for found in [
            Bernoulli.log_predictive(&bad, &true),
            ten.log_predictive(&bad, &3),
            Geometric.log_predictive(&bad, &3),
            NegativeBinomial::new(2.5).unwrap().log_predictive(&bad, &3),
            three.log_predictive(&[bad[0], bad[1], 1.0], &2),
            Multinomial::new(3, 2)
                .unwrap()
                .log_predictive(&[bad[0], bad[1], 1.0], &[1, 1, 0]),
            Normal.log_predictive(&[bad[0], 1.0, 0.0, bad[1]], &0.0),
        ] {
            assert_eq!(found.unwrap_err().argument, "natural", "{bad:?}");
        }
    }
    assert_eq!(
        ten.log_predictive(&[1.0, 1.0], &11).unwrap_err().argument,
        "sample"
    );
    assert_eq!(
        three.log_predictive(&[1.0; 3], &3).unwrap_err().argument,
        "sample"
    );
    let gamma = Gamma::natural(1.0, 1.0).unwrap();
    assert_eq!(
        Exponential
            .log_predictive(&gamma, &-1.0)
            .unwrap_err()
            .argument,
        "sample"
    );
}

#[test]
fn directions_of_known_concentration_have_a_conjugate_prior() {
    let sphere = VonMisesFisher::new(3).unwrap();
    let xs = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.6, 0.0, 0.8]];
    let prior = [0.5, -1.0, 2.0];
    let fit = Fit::of(&sphere, xs.iter().map(|x| &x[..])).unwrap();
    let evidence = sphere.direction_log_evidence(&prior, 5.0, &fit).unwrap();
    // By A = log(4π sinh κ/κ), with 50 digits.
    close(evidence, -7.423093533963693, 1e-14, "sphere");
    // One by one.
    let (mut now, mut sum) = (prior.to_vec(), 0.0);
    for x in &xs {
        let one = Fit::of(&sphere, [&x[..]]).unwrap();
        sum += sphere.direction_log_evidence(&now, 5.0, &one).unwrap();
        now = sphere.direction_posterior(&now, 5.0, &one).unwrap();
    }
    close(evidence, sum, 1e-14, "chain");
    let whole = sphere.direction_posterior(&prior, 5.0, &fit).unwrap();
    for (a, b) in now.iter().zip(&whole) {
        close(*a, *b, 1e-15, "posterior");
    }
    // On the circle: the predictive density of an angle is the mean of densities around all directions.
    let prior = VonMises::natural(0.4, 1.5).unwrap();
    let one = Fit::of(&VonMises, [2.0]).unwrap();
    let found = VonMises::direction_log_evidence(&prior, 3.0, &one).unwrap();
    let turns = 400;
    let mean = (0..turns).map(|k| {
        let m = std::f64::consts::TAU * f64::from(k) / f64::from(turns);
        let around = VonMises::natural(m, 3.0).unwrap();
        let logs = VonMises.log_density(&prior, &m).unwrap()
            + VonMises.log_density(&around, &2.0).unwrap();
        logs.exp() * std::f64::consts::TAU / f64::from(turns)
    });
    close(found, mean.sum::<f64>().ln(), 1e-13, "circle");
    let posterior = VonMises::direction_posterior(&prior, 3.0, &one).unwrap();
    close(posterior[0], prior[0] + 3.0 * 2f64.cos(), 1e-15, "circle");
    for bad in [-1.0, 2e8, f64::NAN] {
        let error = VonMises::direction_posterior(&prior, bad, &one).unwrap_err();
        assert_eq!(error.argument, "concentration");
    }
    let error = sphere
        .direction_posterior(&[0.0; 3], 1.0, &one)
        .unwrap_err();
    assert_eq!(error.argument, "sample");
    assert!(
        sphere
            .direction_posterior(&[2e8, 0.0, 0.0], 1.0, &fit)
            .is_err()
    );
    assert!(
        sphere
            .direction_posterior(&[1e8, 0.0, 0.0], 1e8, &fit)
            .is_err()
    );
}

#[test]
fn members_of_families_of_unlike_settings_are_refused() {
    let member = |n: u64| Member::new(Binomial::new(n).unwrap(), [0.3]).unwrap();
    let (ten, twenty) = (member(10), member(20));
    assert_eq!(ten.kl_divergence(&twenty).unwrap_err().argument, "other");
    assert_eq!(
        ten.renyi_divergence(&twenty, 2.0).unwrap_err().argument,
        "other"
    );
    assert_eq!(ten.e_geodesic(&twenty, 0.5).unwrap_err().argument, "other");
    assert_eq!(ten.m_geodesic(&twenty, 0.5).unwrap_err().argument, "other");
    let both = [&ten, &twenty];
    assert_eq!(
        Member::product(&both, &[0.5, 0.5]).unwrap_err().argument,
        "members"
    );
    assert_eq!(
        Member::mixture(&both, &[0.5, 0.5]).unwrap_err().argument,
        "members"
    );
    let start = [ten.clone(), twenty];
    let error =
        ergodic_expfam::Mixture::fit(&[3u64, 4], &[0.5, 0.5], &start, 1e-9, 10).unwrap_err();
    assert!(error.to_string().contains("start"), "{error}");
    // Those of the same settings are taken.
    assert_eq!(ten.kl_divergence(&member(10)).unwrap(), 0.0);
    assert!(Member::product(&[&ten, &ten], &[0.5, 0.5]).is_ok());
    assert!(Member::mixture(&[&ten, &ten], &[0.5, 0.5]).is_ok());
    assert_eq!(ten.e_geodesic(&ten, f64::NAN).unwrap_err().argument, "t");
    assert_eq!(ten.m_geodesic(&ten, f64::NAN).unwrap_err().argument, "t");
    let covariance = |c: f64| DMatrix::from_row_slice(2, 2, &[1.0, c, c, 1.0]);
    let laws = [0.1, 0.2].map(|c| {
        let family = MultivariateNormalKnownCovariance::new(covariance(c)).unwrap();
        Member::new(family, [0.0, 1.0]).unwrap()
    });
    assert!(laws[0].kl_divergence(&laws[1]).is_err());
    assert!(laws[0].kl_divergence(&laws[0]).is_ok());
    // A sample of two statistics has no likelihood under a family of one.
    let fit = Fit::of(&Normal, [1.0, 2.0]).unwrap();
    assert!(fit.log_likelihood(&Poisson, &[0.0]).is_err());
}
