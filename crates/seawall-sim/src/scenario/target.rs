//! Whom somebody calls: a route of the config, a policy, or a service directly.

use seawall_config::reader::{Given, TableReader};

use crate::plan::{Gateway, GatewayId, RouteId, Service, ServiceId, Target};

/// What a section wants to call, by name.
#[derive(Debug)]
pub(super) struct Wish {
    kind: Kind,
    name: Given<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Route,
    Service,
    Policy,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Service => "service",
            Self::Policy => "policy",
        }
    }
}

/// The forms, for whoever names nothing or too much.
const FORMS: &str = "write route = \"/pay\" for a route of the config, or service = \"db\"";

impl Wish {
    /// Reads the one key that names a target; a mistake is noted where it is not one.
    pub(super) fn read(t: &mut TableReader<'_>) -> Option<Self> {
        let route = t.text("route", "\"/pay\"").map(|given| (Kind::Route, given));
        let service = t.text("service", "\"db\"").map(|given| (Kind::Service, given));
        let policy = t.text("policy", "\"shop\"").map(|given| (Kind::Policy, given));
        let mut named = [route, service, policy].into_iter().flatten();
        let Some((kind, given)) = named.next() else {
            if !t.has("route") && !t.has("service") && !t.has("policy") {
                t.wrong(t.place(), format!("{} names nothing to call", t.path()), FORMS);
            }
            return None;
        };
        if let Some((_, other)) = named.next() {
            t.wrong(other.place, format!("{} names two things to call", t.path()), FORMS);
        }
        let name = Given { value: given.value.to_owned(), place: given.place };
        Some(Self { kind, name })
    }
}

/// All that can be called, by name.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) services: &'a [Service],
    /// The gateway of the config first, if there is one, then a stand-in for each policy.
    pub(super) gateways: &'a [Gateway],
    /// Whether the first of them is the gateway.
    pub(super) has_gateway: Option<GatewayId>,
    /// The paths of its routes, beside their names.
    pub(super) paths: &'a [(String, String)],
}

impl Known<'_> {
    /// The place of a service.
    pub(super) fn service(&self, name: &str) -> Option<ServiceId> {
        self.services.iter().position(|service| service.name == name).map(ServiceId)
    }

    fn route(&self, name: &str) -> Option<Target> {
        let gateway = self.has_gateway?;
        let path = self.paths.iter().find(|(_, path)| path == name).map(|(name, _)| name);
        let routes = &self.gateways.get(gateway.0)?.routes;
        let exact = routes.iter().position(|route| route.name == name);
        let place = exact.or_else(|| routes.iter().position(|route| Some(&route.name) == path))?;
        Some(Target::Route(gateway, RouteId(place)))
    }

    fn policy(&self, name: &str) -> Option<Target> {
        let own = self.has_gateway.map_or(0, |_| 1);
        let place = self.gateways.iter().skip(own).position(|policy| policy.name == name)?;
        Some(Target::Route(GatewayId(place + own), RouteId(0)))
    }

    fn names(&self, kind: Kind) -> Vec<&str> {
        let own = self.has_gateway.map_or(0, |_| 1);
        match kind {
            Kind::Route => self.paths.iter().map(|(_, path)| path.as_str()).collect(),
            Kind::Service => self.services.iter().map(|service| service.name.as_str()).collect(),
            Kind::Policy => self.gateways.iter().skip(own).map(|g| g.name.as_str()).collect(),
        }
    }

    /// What a section wants to call; a mistake is noted where there is no such thing.
    pub(super) fn find(&self, wish: &Wish, root: &TableReader<'_>) -> Option<Target> {
        let name = wish.name.value.as_str();
        let found = match wish.kind {
            Kind::Route => self.route(name),
            Kind::Service => self.service(name).map(Target::Service),
            Kind::Policy => self.policy(name),
        };
        if found.is_none() {
            let word = wish.kind.word();
            let known = self.names(wish.kind);
            let list = format!("known {}", if word == "policy" { "policies" } else { "names" });
            let remedy = seawall_config::nearest::remedy(name, &known, &list);
            root.wrong(wish.name.place, format!("unknown {word} \"{name}\""), remedy);
        }
        found
    }
}
