//! The arena as a whole: processes, namespaces, and what is left of them.

use super::*;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;

fn root() -> bool {
    rustix::process::geteuid().is_root()
}

fn sleeper(arena: &Arena, seat: Seat) -> Child {
    arena.spawn(arena.command(seat, "sleep").arg("1000").stdout(Stdio::null())).unwrap()
}

#[test]
fn a_command_becomes_its_program() {
    let arena = Arena::build(1, Ground::Loopback).unwrap();
    let mut child = arena
        .spawn(arena.command(Seat::Gateway, "sh").args(["-c", "echo $$"]).stdout(Stdio::piped()))
        .unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    assert_eq!(said.trim(), child.id().to_string());
}

#[test]
fn the_end_of_the_arena_ends_its_processes() {
    let arena = Arena::build(1, Ground::Loopback).unwrap();
    let (mut kept, mut other) = (sleeper(&arena, Seat::Replica(0)), sleeper(&arena, Seat::Client));
    drop(arena);
    assert!(!kept.wait().unwrap().success());
    assert!(!other.wait().unwrap().success());
}

#[test]
fn a_released_process_outlives_the_arena() {
    let arena = Arena::build(1, Ground::Loopback).unwrap();
    let mut children = [Seat::Client, Seat::Aux, Seat::Gateway].map(|seat| sleeper(&arena, seat));
    arena.release(children[1].id()).unwrap();
    drop(arena);
    assert!(!children[0].wait().unwrap().success());
    assert!(!children[2].wait().unwrap().success());
    assert!(children[1].try_wait().unwrap().is_none());
    children[1].kill().unwrap();
    children[1].wait().unwrap();
}

#[test]
fn more_replicas_than_addresses_are_refused() {
    let refused = Arena::build(REPLICAS_MAX + 1, Ground::Loopback).unwrap_err();
    assert!(refused.to_string().contains("201 replicas"), "{refused}");
}

#[test]
fn namespaces_are_made_joined_and_removed() {
    if !root() {
        assert!(matches!(Arena::build(1, Ground::Namespaces), Err(Trouble::NotRoot)));
        return;
    }
    let arena = Arena::build(2, Ground::Namespaces).unwrap();
    let space = arena.namespace(Seat::Replica(1)).unwrap();
    let mut child = sleeper(&arena, Seat::Replica(1));
    let address = arena.address(Seat::Replica(1), 7000);
    let listener = arena.within(Seat::Replica(1), || TcpListener::bind(address)).unwrap().unwrap();
    for seat in [Seat::Gateway, Seat::Client, Seat::Aux, Seat::Replica(0)] {
        let mut near = arena.within(seat, || TcpStream::connect(address)).unwrap().unwrap();
        let (mut far, from) = listener.accept().unwrap();
        near.write_all(b"x").unwrap();
        far.read_exact(&mut [0]).unwrap();
        let routed = seat == Seat::Gateway || from.ip() == arena.source(seat);
        assert!(routed, "{seat:?} comes from {from}");
    }
    drop(arena);
    assert!(!child.wait().unwrap().success());
    assert!(!Path::new("/run/netns").join(space).exists());
}
