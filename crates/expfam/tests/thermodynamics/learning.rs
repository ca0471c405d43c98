//! The ledger of learning.

use ergodic_core::ExponentialFamily;
use ergodic_expfam::Member;
use ergodic_expfam::families::Normal;

use super::*;

#[test]
fn log_loss_is_bayes_risk_and_regret() {
    let mut random = rng::stream(1, 1);
    for _ in 0..50 {
        let n = 2 + random.index(8);
        let (p, q) = (random_law(&mut random, n), random_law(&mut random, n));
        let balance = LogLossBalance::new(&p, &q).unwrap();
        close(balance.loss, balance.bayes_risk + balance.regret, 1e-14);
        assert!(balance.regret >= 0.0);
        // Regret is the excess free energy at β = 1 of the energies −log q.
        let energies: Vec<f64> = q.iter().map(|q| -q.ln()).collect();
        close(
            excess_free_energy(&energies, 1.0, &p).unwrap(),
            balance.regret,
            1e-14,
        );
    }
    let at_best = LogLossBalance::new(&[0.3, 0.7], &[0.3, 0.7]).unwrap();
    assert_eq!(at_best.regret, 0.0);
    let certain = LogLossBalance::new(&[1.0, 0.0], &[0.25, 0.75]).unwrap();
    close(certain.regret, 4f64.ln(), 1e-15);
}

#[test]
fn the_change_of_log_loss_is_work_and_heat() {
    let mut random = rng::stream(1, 2);
    for _ in 0..50 {
        let n = 2 + random.index(8);
        let mut law = || random_law(&mut random, n);
        let (p, q, p2, q2) = (law(), law(), law(), law());
        let shift = DataShift::of_laws((&p, &q), (&p2, &q2)).unwrap();
        let loss = |p: &[f64], q: &[f64]| LogLossBalance::new(p, q).unwrap().loss;
        close(shift.loss_change(), loss(&p2, &q2) - loss(&p, &q), 1e-14);
        let only_model = DataShift::of_laws((&p, &q), (&p, &q2)).unwrap();
        assert_eq!(only_model.heat, 0.0);
        let only_data = DataShift::of_laws((&p, &q), (&p2, &q)).unwrap();
        assert_eq!(only_data.work, 0.0);
        // Work of a model in equilibrium with its data is a regret: it cannot be negative.
        let from_best = DataShift::of_laws((&p, &p), (&p, &q)).unwrap();
        close(
            from_best.work,
            LogLossBalance::new(&p, &q).unwrap().regret,
            1e-14,
        );
    }
}

#[test]
fn members_and_laws_keep_the_same_ledger() {
    for seed in 0..10 {
        let levels = random_levels(seed, 2);
        let family = levels.family().clone();
        let mut random = rng::stream(seed, 7);
        let mut member = || {
            let theta: Vec<f64> = (0..3).map(|_| random.normal()).collect();
            Member::new(family.clone(), theta).unwrap()
        };
        let (model, updated, data, later) = (member(), member(), member(), member());
        let p = |m: &Member<Discrete>| family.probabilities(m.natural()).unwrap();
        let laws = DataShift::of_laws((&p(&data), &p(&model)), (&p(&later), &p(&updated))).unwrap();
        let base = |m: &Member<Discrete>| -> f64 {
            p(m).iter()
                .enumerate()
                .map(|(i, p)| p * family.log_base_measure(&i))
                .sum()
        };
        let members = DataShift::of_members(
            (&model, data.mean()),
            (&updated, later.mean()),
            base(&later) - base(&data),
        )
        .unwrap();
        close(members.work, laws.work, 1e-12);
        close(members.heat, laws.heat, 1e-12);
    }
    // A normal model: the mean of the data moves by 1, variance 4: ½·1/4 more loss, all of it heat.
    let model = Member::new(Normal, Normal::natural(0.0, 4.0).unwrap()).unwrap();
    let shift = DataShift::of_members((&model, &[0.0, 4.0]), (&model, &[1.0, 5.0]), 0.0).unwrap();
    close(shift.loss_change(), 0.125, 1e-15);
}

#[test]
fn heat_of_relaxation_is_bounded_by_entropy() {
    // Second law for data that a kernel with invariant law q moves: ΔH ≥ heat.
    let energies = [0.2, 1.0, 0.0, -0.5];
    let step = MarkovStep::metropolis(&energies, 1.0).unwrap();
    let mut random = rng::stream(3, 3);
    let z: f64 = energies.iter().map(|e| (-e).exp()).sum();
    let q: Vec<f64> = energies.iter().map(|e| (-e).exp() / z).collect();
    for _ in 0..20 {
        let p = random_law(&mut random, 4);
        let mut chain = Evolution::new(&energies, &p).unwrap();
        let record = chain.step(&step).unwrap();
        let shift = DataShift::of_laws((&p, &q), (chain.probabilities(), &q)).unwrap();
        close(shift.heat, record.heat, 1e-14);
        assert!(record.entropy_change >= shift.heat - 1e-15);
    }
}

#[test]
fn bayes_risk_is_conditional_entropy() {
    let mut random = rng::stream(6, 6);
    for _ in 0..20 {
        let law = random_law(&mut random, 12);
        let joint = DMatrix::from_column_slice(3, 4, &law);
        let risk = bayes_risk(&joint).unwrap();
        let h = |p: &[f64]| -> f64 { -p.iter().map(|p| p * p.ln()).sum::<f64>() };
        let rows: Vec<f64> = joint.row_iter().map(|r| r.sum()).collect();
        let columns: Vec<f64> = joint.column_iter().map(|c| c.sum()).collect();
        close(risk, h(&law) - h(&rows), 1e-14);
        // Knowing more never costs.
        assert!(risk <= h(&columns) + 1e-15);
    }
}

#[test]
fn regret_keeps_its_digits_for_models_that_hardly_allow_the_data() {
    // KL of (½, ½) from (q, 1 − q) is −log 2 − ½ log q − ½ log(1 − q).
    for q in [1e-3, 1e-7, 1e-10, 1e-15, 1e-100, 1e-300] {
        let exact = -2f64.ln() - 0.5 * f64::ln(q) - 0.5 * f64::ln_1p(-q);
        let found = LogLossBalance::new(&[0.5, 0.5], &[q, 1.0 - q]).unwrap();
        close(found.regret, exact, 2e-15);
    }
    // Where the Boltzmann law underflows: ⟨E⟩ − TS + T log Z.
    let excess = excess_free_energy(&[0.0, 1e6], 1.0, &[0.5, 0.5]).unwrap();
    close(excess, 5e5 - 2f64.ln(), 1e-15);
}
