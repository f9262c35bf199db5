//! What `--list` prints: scenarios and products, and what cannot be run here and why.

use super::Matrix;
use crate::fault::unmet;

/// The catalogue as lines of text.
#[must_use]
pub fn catalogue(matrix: &Matrix) -> String {
    let mut text = String::from("Scenarios\n");
    for scenario in &matrix.scenarios {
        text += &format!("  {:<12} {}\n", scenario.id, scenario.name);
        for product in matrix.products.keys() {
            if let Some(why) = unmet(scenario, *product, &matrix.host) {
                text += &format!("{:15}not run with {product}: {why}\n", "");
            }
        }
    }
    text += "Products\n";
    for (product, found) in &matrix.products {
        let said = match found {
            Ok(installed) => installed.version.clone(),
            Err(missing) => format!("not run: {missing}"),
        };
        text += &format!("  {product:<12} {said}\n");
    }
    let count = matrix.runs.len();
    text += &format!("{count} runs on {:?}\n", matrix.host.ground);
    text
}
