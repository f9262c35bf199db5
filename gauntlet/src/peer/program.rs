//! Where the programs of the products come from, and which versions they are.

use std::path::PathBuf;
use std::process::Command;

use super::wheel::ENVOY;
use super::{Missing, Product, build};

/// A program that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Where it is. Empty for no product at all.
    pub program: PathBuf,
    /// Its version as it prints it.
    pub version: String,
}

/// What is there without fetching or building anything; what is older than its sources is not.
#[must_use]
pub fn found(product: Product) -> Option<Installed> {
    let program = match product {
        Product::Direct => PathBuf::new(),
        Product::Seawall => build::seawall_built()?,
        Product::Nginx => on_path("nginx")?,
        Product::Haproxy => on_path("haproxy")?,
        Product::Envoy => on_path("envoy").or_else(|| ENVOY.found())?,
        Product::Pingora => build::pingora_built()?,
    };
    installed(product, program).ok()
}

/// Makes a product ready: Envoy is fetched, Seawall and Pingora are built if need be.
///
/// # Errors
/// When it is not installed, or cannot be fetched or built.
pub fn present(product: Product) -> Result<Installed, Missing> {
    let absent = |remedy| Missing::Program { product, remedy };
    let program = match product {
        Product::Direct => PathBuf::new(),
        Product::Seawall => build::seawall()?,
        Product::Nginx => {
            on_path("nginx").ok_or_else(|| absent("install the package nginx of your system"))?
        }
        Product::Haproxy => on_path("haproxy")
            .ok_or_else(|| absent("install the package haproxy of your system"))?,
        Product::Envoy => match on_path("envoy") {
            Some(path) => path,
            None => ENVOY.fetch(product)?,
        },
        Product::Pingora => build::pingora()?,
    };
    installed(product, program)
}

pub(super) fn installed(product: Product, program: PathBuf) -> Result<Installed, Missing> {
    let argument = match product {
        Product::Direct => return Ok(Installed { program, version: "no gateway".to_owned() }),
        Product::Pingora => {
            let version = format!("pingora {}", pingora_version());
            return Ok(Installed { program, version });
        }
        Product::Seawall | Product::Envoy => "--version",
        Product::Nginx | Product::Haproxy => "-v",
    };
    let output = Command::new(&program).arg(argument).output();
    let output = output.map_err(Missing::system(product, program.display().to_string()))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let mut version =
        short(product, said.lines().find(|line| !line.trim().is_empty()).unwrap_or(""));
    if product == Product::Seawall && build::given().is_some() {
        version.push_str(" (given)");
    }
    Ok(Installed { program, version })
}

/// The words of a version line that tell something.
fn short(product: Product, line: &str) -> String {
    let numbered =
        |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    let words = || line.split([' ', '/']);
    match words().find(numbered) {
        Some(number) => format!("{product} {number}"),
        None => line.trim().to_owned(),
    }
}

/// The version that the lock file of the program over Pingora pins.
fn pingora_version() -> &'static str {
    let lock = include_str!("../../peers/pingora/Cargo.lock");
    let after = lock.split_once("name = \"pingora\"\nversion = \"").map_or("", |(_, rest)| rest);
    after.split('"').next().unwrap_or("")
}

/// The program `name`, where the system looks for programs.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    // Services live where the paths of users do not always lead.
    let folders = std::env::split_paths(&folders).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_products_print() {
        let envoy = "./envoy  version: 9e5580933/1.40.0/Clean/RELEASE/BoringSSL";
        let haproxy = "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/";
        assert_eq!(short(Product::Envoy, envoy), "envoy 1.40.0");
        assert_eq!(short(Product::Haproxy, haproxy), "haproxy 2.6.12-1+deb12u4");
        assert_eq!(short(Product::Nginx, "nginx version: nginx/1.22.1"), "nginx 1.22.1");
        assert_eq!(short(Product::Seawall, "seawall 0.1.0"), "seawall 0.1.0");
        assert!(pingora_version().starts_with("0."), "{}", pingora_version());
    }

    #[test]
    fn a_program_that_nobody_has_is_not_found() {
        assert_eq!(on_path("no-such-program-anywhere"), None);
        assert!(on_path("sh").is_some());
    }
}
