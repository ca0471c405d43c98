//! Hit-and-run on bodies and on smooth laws.

use ergodic_conformance::{Quadrature, QuasiMonteCarlo, StateRule};
use ergodic_core::{Energy, MarkovKernel, Randomness};
use ergodic_samplers::{
    ByMetropolis, Exactly, Gaussian, HitAndRun, LineConditional, Polytope, Uniform,
};

use crate::exact_start::holds;
use crate::targets::{Banana, Correlated, DoubleWell, Drawn, Logistic};

fn interval() -> Uniform<Polytope> {
    Uniform(Polytope::new(1, vec![1.0, -2.0], vec![1.0, 1.0]).unwrap()) // (−½, 1)
}

ergodic_conformance::kernel!(hit_and_run_on_an_interval {
    kernel: HitAndRun::exact(),
    target: interval(),
    quadrature: Quadrature::new(&[(-0.5, 1.0)])
        .unwrap()
        .nodes(40, 40)
        .unwrap()
        .state_rule(StateRule::GaussLegendre),
    tolerance: 1e-10,
    serde: true,
});

ergodic_conformance::kernel!(hit_and_run_by_metropolis_on_a_double_well {
    kernel: HitAndRun::metropolis(1.0).unwrap(),
    target: DoubleWell,
    quadrature: DoubleWell.quadrature().nodes(60, 60).unwrap(),
    tolerance: 1e-4,
    energy_shift: 1e-9,
    serde: true,
});

/// A normal law with its exact line: along a unit vector u, precision u·Σ⁻¹u.
struct Line(Gaussian);
impl Energy for Line {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        self.0.energy(x)
    }
}
impl LineConditional for Line {
    fn draw_on_line<R: Randomness + ?Sized>(
        &self,
        x: &[f64],
        u: &[f64],
        rng: &mut R,
    ) -> Option<f64> {
        // E(x + tu) is a parabola: three values tell it.
        let at = |t: f64| {
            let y: Vec<f64> = x.iter().zip(u).map(|(x, u)| x + t * u).collect();
            self.0.energy(&y)
        };
        let (minus, zero, plus) = (at(-1.0), at(0.0), at(1.0));
        let precision = plus + minus - 2.0 * zero;
        let slope = 0.5 * (plus - minus);
        Some(rng.normal() / precision.sqrt() - slope / precision)
    }
}

ergodic_conformance::kernel!(hit_and_run_by_metropolis_on_a_curved_ridge {
    kernel: HitAndRun::metropolis(1.2).unwrap(),
    target: Banana,
    exact: |rng: &mut dyn Randomness| Banana.exact(rng),
    tapes: QuasiMonteCarlo::new().points(10).unwrap(),
});

ergodic_conformance::kernel!(hit_and_run_on_a_normal_line {
    kernel: HitAndRun::exact(),
    target: Line(Gaussian::independent(vec![0.5], vec![2.0]).unwrap()),
    quadrature: Quadrature::new(&[(-16.0, 17.0)])
        .unwrap()
        .nodes(60, 60)
        .unwrap(),
    tolerance: 1e-9,
    allocates: "the target of this test does",
});

impl Drawn for Line {
    fn dim(&self) -> usize {
        2
    }
    fn exact(&self, rng: &mut dyn Randomness) -> Vec<f64> {
        let (a, b) = (rng.normal(), rng.normal());
        vec![a, 2.0 * (0.8 * a + 0.6 * b)]
    }
    fn quadrature(&self) -> Quadrature {
        Correlated.quadrature()
    }
    fn name(&self) -> &'static str {
        "line"
    }
}

/// The uniform law on the triangle x, y ≥ 0, x + y ≤ 1.
impl Drawn for Uniform<Polytope> {
    fn dim(&self) -> usize {
        2
    }
    fn exact(&self, rng: &mut dyn Randomness) -> Vec<f64> {
        let (x, y) = (rng.uniform(), rng.uniform());
        if x + y > 1.0 {
            vec![1.0 - x, 1.0 - y]
        } else {
            vec![x, y]
        }
    }
    fn quadrature(&self) -> Quadrature {
        Quadrature::new(&[(0.0, 1.0), (0.0, 1.0)]).unwrap()
    }
    fn name(&self) -> &'static str {
        "triangle"
    }
}

#[test]
fn hit_and_run_is_reversible_in_the_plane() {
    let faces = vec![-1.0, 0.0, 0.0, -1.0, 1.0, 1.0];
    let triangle = Uniform(Polytope::new(2, faces, vec![0.0, 0.0, 1.0]).unwrap());
    holds(&HitAndRun::exact(), &triangle, 200_000, 800);
    let line = Line(Gaussian::new(vec![0.0; 2], &[1.0, 1.6, 1.6, 4.0]).unwrap());
    holds(&HitAndRun::exact(), &line, 150_000, 801);
    let metropolis = HitAndRun::metropolis(1.2).unwrap();
    holds(&metropolis, &Correlated, 150_000, 803);
    holds(&metropolis, &Logistic, 150_000, 804);
}

#[test]
fn hit_and_run_stays_in_a_narrow_simplex_of_many_dimensions() {
    // x ≥ 0, Σ x ≤ 1 in 12 dimensions: E xᵢ = 1/13.
    let d = 12;
    let mut normals = vec![0.0; d * (d + 1)];
    for i in 0..d {
        normals[i * d + i] = -1.0;
        normals[d * d + i] = 1.0;
    }
    let mut offsets = vec![0.0; d + 1];
    offsets[d] = 1.0;
    let target = Uniform(Polytope::new(d, normals, offsets).unwrap());
    let mut kernel = HitAndRun::exact();
    let mut state = kernel.init(&target, &vec![1.0 / 13.0; d]).unwrap();
    let mut rng = ergodic_math::rng::stream(805, 0);
    let (mut mean, steps) = (vec![0.0; d], 200_000);
    for _ in 0..steps {
        kernel.step(&target, &mut state, &mut rng).unwrap();
        let x = kernel.position(&target, &state);
        assert!(target.energy(x) == 0.0);
        for (m, x) in mean.iter_mut().zip(x) {
            *m += x / f64::from(steps);
        }
    }
    // sd of xᵢ is .0714; over 13² effective steps at worst the mean is known to .0714·√(300/2e5).
    assert!(
        mean.iter().all(|m| (m - 1.0 / 13.0).abs() < 0.02),
        "{mean:?}"
    );
}

#[test]
fn an_unbounded_body_is_an_error_and_bad_bodies_are_named() {
    let half_line = Uniform(Polytope::new(1, vec![-1.0], vec![0.0]).unwrap());
    let mut kernel = HitAndRun::exact();
    let mut state = kernel.init(&half_line, &[1.0]).unwrap();
    let mut rng = ergodic_math::rng::stream(1, 0);
    let error = kernel.step(&half_line, &mut state, &mut rng).unwrap_err();
    assert!(error.to_string().contains("not bounded"));
    assert!(kernel.init(&half_line, &[-1.0]).is_err());

    let argument = |d, a: Vec<f64>, b: Vec<f64>| Polytope::new(d, a, b).unwrap_err().argument;
    assert_eq!(argument(0, vec![], vec![1.0]), "dim");
    assert_eq!(argument(1, vec![], vec![]), "offsets");
    assert_eq!(argument(2, vec![1.0], vec![1.0]), "normals");
    assert_eq!(argument(1, vec![f64::NAN], vec![1.0]), "normals");
    assert!(ByMetropolis::new(f64::NAN).is_err());
    assert_eq!(HitAndRun::along(Exactly), HitAndRun::exact());
}
