//! Sockets of listeners: bound before anything changes, shared by the workers.

use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use seawall_config::ListenerConfig;

use super::GatewayError;

/// Connections that the kernel holds until a worker accepts them. Beyond it callers see their
/// dial repeated after a second; the kernel cuts the number to `net.core.somaxconn`.
const BACKLOG: i32 = 4_096;

/// A listener and its socket.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) config: ListenerConfig,
    pub(super) socket: TcpListener,
}

impl Bound {
    /// The same socket once more, for another worker.
    pub(super) fn copy(&self) -> Result<TcpListener, GatewayError> {
        self.socket.try_clone().map_err(|source| failed(&self.config, source))
    }
}

/// Binds every listener; `open` gives the sockets of addresses that are held already.
pub(super) fn bind_all(
    listeners: &[ListenerConfig],
    open: &[&Bound],
) -> Result<Vec<Bound>, GatewayError> {
    listeners.iter().map(|config| bind_one(config, open)).collect()
}

fn bind_one(config: &ListenerConfig, open: &[&Bound]) -> Result<Bound, GatewayError> {
    let held = open.iter().find(|bound| bound.config.address == config.address);
    let socket = match held {
        Some(bound) => bound.socket.try_clone(),
        None => listen(config.address),
    };
    match socket {
        Ok(socket) => Ok(Bound { config: config.clone(), socket }),
        Err(source) => Err(failed(config, source)),
    }
}

fn failed(config: &ListenerConfig, source: std::io::Error) -> GatewayError {
    let (listener, address) = (config.name.clone(), config.address);
    GatewayError::Bind { listener, address, remedy: remedy(&source), source }
}

/// One socket for all workers, not one each with `SO_REUSEPORT`: a second gateway on the same port
/// must be an error, and closing one of many sockets would drop what waits in its queue.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "stop the program that holds the port, or choose another address"
        }
        std::io::ErrorKind::PermissionDenied => {
            "ports below 1024 need the capability CAP_NET_BIND_SERVICE; choose a higher one"
        }
        std::io::ErrorKind::AddrNotAvailable => "the machine has no such address; check it",
        _ => "check the address",
    }
}
