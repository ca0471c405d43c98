//! Slice sampling along lines and ellipses.

use ergodic_conformance::{QuasiMonteCarlo, suite};
use ergodic_core::{Energy, MarkovKernel, Randomness, WarmupStep};
use ergodic_math::rng::stream;
use ergodic_samplers::{Directions, EllipticalSlice, Expansion, Gaussian, Scan, Slice};

use crate::exact_start::holds;
use crate::targets::{Banana, Correlated, DeepWells, DoubleWell, Drawn, Logistic, Skewed, Student};

const OUT: Expansion = Expansion::SteppingOut { limit: 64 };
const DOUBLING: Expansion = Expansion::Doubling { limit: 10 };

fn slice(width: f64, expansion: Expansion) -> Slice {
    Slice::new(width).unwrap().expansion(expansion).unwrap()
}

/// One line per kernel and target, by tapes.
macro_rules! by_tapes {
    ($($name:ident: $kernel:expr, $target:expr;)*) => {$(
        ergodic_conformance::kernel!($name {
            kernel: $kernel,
            target: $target,
            exact: |rng: &mut dyn Randomness| $target.exact(rng),
            tapes: QuasiMonteCarlo::new().points(9).unwrap(),
            energy_shift: 1e-9,
            serde: true,
        });
    )*};
}

by_tapes! {
    stepping_out_on_deep_wells: slice(0.4, OUT), DeepWells;
    doubling_on_deep_wells: slice(0.3, DOUBLING), DeepWells;
    coordinates_in_order: slice(1.0, OUT), Banana;
    coordinates_there_and_back:
        slice(1.0, OUT).directions(Directions::Coordinates(Scan::Palindrome)), Correlated;
    a_random_coordinate:
        slice(0.3, DOUBLING).directions(Directions::Coordinates(Scan::Random)), Banana;
    a_random_direction: slice(1.0, OUT).directions(Directions::Isotropic), Banana;
    an_ellipse_on_a_double_well: ellipse(&[0.2], &[0.5]), DoubleWell;
    an_ellipse_on_a_curved_ridge: ellipse(&[0.3, -0.2], &[2.0, 1.0, 1.0, 5.0]), Banana;
}

fn ellipse(mean: &[f64], covariance: &[f64]) -> EllipticalSlice {
    EllipticalSlice::new(Gaussian::new(mean.to_vec(), covariance).unwrap())
}

/// On every law of the line: widths that are too small, right and too large.
fn on_lines(expansion: Expansion, widths: &[f64], seed: u64) {
    for (k, &width) in widths.iter().enumerate() {
        let (kernel, seed) = (slice(width, expansion), seed + 10 * k as u64);
        holds(&kernel, &DeepWells, 150_000, seed);
        holds(&kernel, &Skewed, 150_000, seed + 1);
        holds(&kernel, &Logistic, 150_000, seed + 2);
        holds(&kernel, &Student, 150_000, seed + 3);
    }
}

#[test]
fn stepping_out_is_reversible_on_lines() {
    on_lines(OUT, &[0.4, 10.0], 100);
}

#[test]
fn stepping_out_is_reversible_where_its_limit_binds() {
    on_lines(Expansion::SteppingOut { limit: 1 }, &[1.0], 200);
    on_lines(Expansion::SteppingOut { limit: 3 }, &[0.5, 1.0], 210);
}

#[test]
fn doubling_is_reversible_on_lines() {
    on_lines(DOUBLING, &[0.3, 10.0], 300);
}

#[test]
fn doubling_is_reversible_where_its_limit_binds() {
    on_lines(Expansion::Doubling { limit: 0 }, &[1.0], 400);
    on_lines(Expansion::Doubling { limit: 2 }, &[0.4], 410);
}

#[test]
fn slices_keep_their_claims_in_the_plane() {
    for (k, directions) in [
        Directions::Coordinates(Scan::Random),
        Directions::Coordinates(Scan::Sweep),
        Directions::Coordinates(Scan::Palindrome),
        Directions::Isotropic,
    ]
    .into_iter()
    .enumerate()
    {
        let seed = 500 + 10 * k as u64;
        let out = slice(1.0, OUT).directions(directions);
        let doubling = slice(0.3, DOUBLING).directions(directions);
        holds(&out, &Correlated, 60_000, seed);
        holds(&doubling, &Banana, 60_000, seed + 1);
        suite::allocates_nothing(&out, &Correlated, &[0.1, 0.2]);
    }
    let unlike = Slice::with_widths(vec![0.5, 5.0]).unwrap();
    holds(&unlike, &Banana, 60_000, 590);
}

#[test]
fn elliptical_slices_are_reversible_whatever_the_gaussian() {
    let normal = |mean: f64, sd: f64| {
        EllipticalSlice::new(Gaussian::independent(vec![mean], vec![sd]).unwrap())
    };
    holds(&normal(0.0, 0.7), &DoubleWell, 150_000, 600);
    holds(&normal(0.4, 2.0), &DeepWells, 150_000, 601);
    holds(&normal(0.5, 1.0), &Skewed, 150_000, 602);
    holds(&normal(0.0, 3.0), &Logistic, 150_000, 603);
    let dense = Gaussian::new(vec![0.3, -0.2], &[2.0, 1.0, 1.0, 5.0]).unwrap();
    let kernel = EllipticalSlice::new(dense);
    holds(&kernel, &Correlated, 100_000, 604);
    holds(&kernel, &Banana, 100_000, 605);
}

#[test]
fn an_ellipse_through_a_gaussian_takes_one_energy_and_forgets_by_the_cosine() {
    // ℓ = 0: the first angle is always accepted. Then E[x′ | x, θ] = x cos θ; over a uniform θ the
    // autocorrelation is 0, and P leaves N(μ, Σ) as it is.
    let law = Gaussian::new(vec![1.0, -2.0], &[2.0, 1.2, 1.2, 3.0]).unwrap();
    let mut kernel = EllipticalSlice::new(law.clone());
    let mut state = kernel.init(&law, &[0.0, 0.0]).unwrap();
    let mut rng = stream(606, 0);
    for _ in 0..2000 {
        assert_eq!(kernel.step(&law, &mut state, &mut rng).unwrap().energies, 1);
    }
}

#[test]
fn warm_up_finds_the_widths_of_unlike_coordinates() {
    let sd = [1e-3, 1.0, 1e4];
    let target = Gaussian::independent(vec![0.0; 3], sd.to_vec()).unwrap();
    for expansion in [OUT, DOUBLING] {
        let mut kernel = slice(1.0, expansion);
        let mut rng = stream(700, 0);
        let mut state = kernel.init(&target, &[0.0; 3]).unwrap();
        for step in 0..2000 {
            let info = kernel.step(&target, &mut state, &mut rng).unwrap();
            let at = WarmupStep { step, of: 2000 };
            kernel
                .adapt(&target, &mut state, Some(&info), at, &mut rng)
                .unwrap();
        }
        for (width, sd) in kernel.widths().iter().zip(sd) {
            let ratio = width / sd;
            assert!((0.5..8.0).contains(&ratio), "{ratio}");
        }
        let frozen = kernel.clone();
        let mut energies = 0;
        for _ in 0..1000 {
            energies += kernel.step(&target, &mut state, &mut rng).unwrap().energies;
        }
        assert_eq!(kernel, frozen);
        assert!(energies < 8 * 3 * 1000, "{energies}");
    }
}

#[test]
fn a_constant_in_the_energy_moves_no_chain() {
    // Heights are relative to the energy of the position: rounding alone can part the chains.
    struct Raised(f64);
    impl Energy for Raised {
        type State = [f64];
        fn energy(&self, x: &[f64]) -> f64 {
            DoubleWell.energy(x) + self.0
        }
    }
    let run = |c: f64| {
        let (mut kernel, target) = (slice(1.0, OUT), Raised(c));
        let mut state = kernel.init(&target, &[0.5]).unwrap();
        let mut rng = stream(701, 0);
        for _ in 0..100 {
            kernel.step(&target, &mut state, &mut rng).unwrap();
        }
        kernel.position(&target, &state)[0]
    };
    assert!((run(0.0) - run(1024.0)).abs() < 1e-9);
}

#[test]
fn a_target_whose_answers_vary_cannot_trap_the_shrinkage() {
    /// Finite for a start, forbidden ever after.
    struct Closing(std::cell::Cell<bool>);
    impl Energy for Closing {
        type State = [f64];
        fn energy(&self, _: &[f64]) -> f64 {
            if self.0.replace(false) {
                0.0
            } else {
                f64::INFINITY
            }
        }
    }
    let mut rng = stream(702, 0);
    for expansion in [OUT, DOUBLING] {
        let target = Closing(std::cell::Cell::new(true));
        let mut kernel = slice(1.0, expansion);
        let mut state = kernel.init(&target, &[0.3]).unwrap();
        kernel.step(&target, &mut state, &mut rng).unwrap();
        assert_eq!(kernel.position(&target, &state), [0.3]);
    }
    let target = Closing(std::cell::Cell::new(true));
    let mut kernel = EllipticalSlice::new(Gaussian::standard(1).unwrap());
    let mut state = kernel.init(&target, &[0.3]).unwrap();
    kernel.step(&target, &mut state, &mut rng).unwrap();
    assert_eq!(kernel.position(&target, &state), [0.3]);
}

#[test]
fn bad_settings_and_starts_are_named() {
    for width in [0.0, -1.0, f64::NAN] {
        assert_eq!(Slice::new(width).unwrap_err().argument, "width");
    }
    assert!(Slice::with_widths(vec![]).is_err());
    let kernel = || Slice::new(1.0).unwrap();
    assert!(
        kernel()
            .expansion(Expansion::SteppingOut { limit: 0 })
            .is_err()
    );
    assert!(
        kernel()
            .expansion(Expansion::Doubling { limit: 61 })
            .is_err()
    );
    let three = Slice::with_widths(vec![1.0; 3]).unwrap();
    assert!(three.init(&Correlated, &[0.0, 0.0]).is_err());
    assert!(kernel().init(&Correlated, &[f64::NAN, 0.0]).is_err());
    assert!(kernel().init(&Correlated, &[]).is_err());
    let ellipse = EllipticalSlice::new(Gaussian::standard(3).unwrap());
    let error = ellipse.init(&Correlated, &[0.0, 0.0]).unwrap_err();
    assert!(error.to_string().contains("length 2"));
}

/// A law that has no normalisation: every slice is the whole line.
struct Flat;
impl Energy for Flat {
    type State = [f64];
    fn energy(&self, _: &[f64]) -> f64 {
        0.0
    }
}

#[test]
fn a_slice_without_an_end_is_an_error_and_not_an_endless_loop() {
    let kernels = [
        slice(1e308, OUT),
        slice(1e300, Expansion::Doubling { limit: 60 }),
        slice(1e300, Expansion::Doubling { limit: 60 }).directions(Directions::Isotropic),
    ];
    for mut kernel in kernels {
        let mut state = kernel.init(&Flat, &[0.0, 0.0]).unwrap();
        let mut failed = false;
        for seed in 0..20 {
            failed |= kernel
                .step(&Flat, &mut state, &mut stream(seed, 0))
                .is_err();
            kernel.reset(&Flat, &mut state, Some(&[0.0, 0.0])).unwrap();
        }
        assert!(failed);
    }
}

#[test]
fn a_start_out_of_reach_of_the_gaussian_part_is_an_error() {
    // ½x² overflows, and the slice at a level of −∞ would hold every point.
    let mut kernel = EllipticalSlice::new(Gaussian::standard(1).unwrap());
    assert!(kernel.init(&Flat, &[1e200]).is_err());
    assert!(kernel.init(&Flat, &[0.0, 0.0]).is_err());
    let mut state = kernel.init(&Flat, &[1e100]).unwrap();
    assert!(kernel.reset(&Flat, &mut state, Some(&[1e200])).is_err());
    kernel.step(&Flat, &mut state, &mut stream(1, 0)).unwrap();
}

/// Uniform on the unit cells `[k, k + 1)` of 0, 1, 2, 4 and 7.
struct Islands;
impl Islands {
    const CELLS: [f64; 5] = [0.0, 1.0, 2.0, 4.0, 7.0];
}
impl Energy for Islands {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        if Self::CELLS.contains(&x[0].floor()) {
            0.0
        } else {
            f64::INFINITY
        }
    }
}

#[test]
fn doubling_remembers_that_the_intervals_differed() {
    // Islands at unlike distances: an island that lies between two ends of a half that is out of
    // the slice, next to a half that is not, tells whether Neal's flag is kept from half to half.
    let mut kernel = slice(0.2, Expansion::Doubling { limit: 20 });
    let mut state = kernel.init(&Islands, &[0.5]).unwrap();
    let (mut rng, draws) = (stream(77, 0), 2_000_000);
    let mut counts = [0u32; 5];
    for _ in 0..draws {
        let x = Islands::CELLS[rng.index(5)] + rng.uniform();
        kernel.reset(&Islands, &mut state, Some(&[x])).unwrap();
        kernel.step(&Islands, &mut state, &mut rng).unwrap();
        let cell = kernel.position(&Islands, &state)[0].floor();
        let k = Islands::CELLS.iter().position(|c| *c == cell).unwrap();
        counts[k] += 1;
    }
    // χ² of four degrees above 45: 4e-9. Without memory it is about 150.
    let expected = f64::from(draws) / 5.0;
    let square = |c: &u32| (f64::from(*c) - expected).powi(2) / expected;
    let chi_squared: f64 = counts.iter().map(square).sum();
    assert!(chi_squared < 45.0, "{chi_squared} for {counts:?}");
}
