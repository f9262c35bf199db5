//! A gateway over Pingora, as small as one can be: what its own guide and examples advise, and no
//! mechanism that Pingora itself does not bring.
//!
//! `pingora-peer --listen A --endpoint B … [--tuned] [--check /path] [--h2] [--upgrade] …`; with
//! `--test` it reads its arguments, binds nothing and ends.

mod arguments;
mod gateway;
mod health;

use std::process::ExitCode;
use std::sync::Arc;

use pingora::apps::HttpServerOptions;
use pingora::lb::LoadBalancer;
use pingora::lb::selection::RoundRobin;
use pingora::proxy::http_proxy_service;
use pingora::server::Server;
use pingora::server::configuration::{Opt, ServerConf};
use pingora::services::background::background_service;

use arguments::{Arguments, Route};
use gateway::{Gateway, Pool};

fn main() -> ExitCode {
    match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) if arguments.test => ExitCode::SUCCESS,
        Ok(arguments) => match serve(arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => fail(&why.to_string()),
        },
        Err(why) => fail(&why),
    }
}

fn fail(why: &str) -> ExitCode {
    eprintln!("pingora-peer: {why}");
    ExitCode::from(2)
}

fn serve(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let options = Opt { upgrade: arguments.upgrade, ..Opt::default() };
    let mut server = Server::new_with_opt_and_conf(options, configuration(&arguments));
    server.bootstrap();
    let mut pools = Vec::new();
    for route in &arguments.routes {
        pools.push(pool(route, &arguments, &mut server)?);
    }
    let gateway = Gateway::new(pools, arguments.tuned, arguments.deadline, arguments.h2);
    let mut service = http_proxy_service(&server.configuration, gateway);
    if let Some(application) = service.app_logic_mut() {
        let mut options = HttpServerOptions::default();
        // Clients of the bench speak HTTP/2 with prior knowledge; HTTP/1.1 still works beside it.
        options.h2c = true;
        application.server_options = Some(options);
    }
    service.add_tcp(&arguments.listen);
    server.add_service(service);
    server.run_forever()
}

fn configuration(arguments: &Arguments) -> ServerConf {
    ServerConf {
        // One worker, as every product here has.
        threads: 1,
        // Three attempts at most: the task that all share. Pingora's own bound is 16 retries.
        max_retries: 2,
        // Where the old process hands its listening sockets to the new one.
        upgrade_sock: arguments.upgrade_socket.clone(),
        // As many idle connections as the bench holds open; the default of 128 is for all of
        // them together and would make 512 busy connections dial anew.
        upstream_keepalive_pool_size: 1024,
        // An old process gives running requests 5 s; the default waits 5 minutes.
        grace_period_seconds: Some(5),
        graceful_shutdown_timeout_seconds: Some(5),
        ..ServerConf::default()
    }
}

fn pool(
    route: &Route,
    arguments: &Arguments,
    server: &mut Server,
) -> Result<Pool, Box<dyn std::error::Error>> {
    let mut balancer = LoadBalancer::<RoundRobin>::try_from_iter(&route.endpoints)?;
    let Some(path) = &arguments.check else {
        return Ok(Pool { prefix: route.prefix.clone(), balancer: Arc::new(balancer) });
    };
    balancer.set_health_check(health::check(path)?);
    balancer.health_check_frequency = Some(health::EVERY);
    balancer.parallel_health_check = true;
    let checks = background_service("health check", balancer);
    let balancer = checks.task();
    server.add_service(checks);
    Ok(Pool { prefix: route.prefix.clone(), balancer })
}
