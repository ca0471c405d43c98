//! Agreement with ArviZ 0.23.4 on its own definitions, to ten digits.

use ergodic_diagnostics::{
    DiagnosticsError, ebfmi, ess_bulk, ess_mean, ess_quantile, ess_sd, ess_tail, mcse_mean,
    mcse_quantile, mcse_sd, rhat, rhat_bulk, rhat_folded, rhat_split, rhat_unsplit,
};
use serde_json::Value;

/// Eight arrays with the values of ArviZ.
fn cases() -> Vec<(String, Vec<Vec<f64>>, Value)> {
    let read = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let main = read(include_str!("data/arviz.json"));
    let more = read(include_str!("data/arviz_more.json"));
    main["cases"]
        .as_array()
        .unwrap()
        .iter()
        .zip(more["cases"].as_array().unwrap())
        .map(|(case, more)| {
            assert_eq!(case["name"], more["name"]);
            let mut values = case.clone();
            for (key, value) in more.as_object().unwrap() {
                values[key] = value.clone();
            }
            let draws = serde_json::from_value(case["draws"].clone()).unwrap();
            (case["name"].as_str().unwrap().to_owned(), draws, values)
        })
        .collect()
}

fn agree(name: &str, what: &str, found: Result<f64, DiagnosticsError>, exact: &Value) {
    let (found, exact) = (found.unwrap(), exact.as_f64().unwrap());
    assert!(
        (found - exact).abs() <= 1e-10 * exact.abs(),
        "{name}: {what} is {found}, ArviZ has {exact}"
    );
}

#[test]
fn every_diagnostic_has_the_value_of_arviz() {
    for (name, x, values) in cases() {
        let check = |what: &str, found| agree(&name, what, found, &values[what]);
        check("rhat", rhat(&x));
        check("rhat_z", rhat_bulk(&x));
        check("rhat_folded", rhat_folded(&x));
        check("rhat_split", rhat_split(&x));
        check("rhat_identity", rhat_unsplit(&x));
        check("ess_bulk", ess_bulk(&x));
        check("ess_tail", ess_tail(&x));
        check("ess_mean", ess_mean(&x));
        check("ess_sd", ess_sd(&x));
        check("mcse_mean", mcse_mean(&x));
        check("mcse_sd", mcse_sd(&x));
        for p in ["0.05", "0.1", "0.5", "0.95"] {
            let number = p.parse().unwrap();
            check(&format!("ess_q{p}"), ess_quantile(&x, number));
            check(&format!("mcse_q{p}"), mcse_quantile(&x, number));
        }
        check("ess_one_chain", ess_bulk(&x[..1]));
        check("ess_tail_one_chain", ess_tail(&x[..1]));
        for (chain, exact) in x.iter().zip(values["bfmi"].as_array().unwrap()) {
            agree(&name, "bfmi", ebfmi(chain), exact);
        }
    }
}
