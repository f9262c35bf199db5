//! Places for things that come and go, each with a name that is never given twice.

/// The name of a thing in a slab. A late event that bears the name of something that is gone
/// finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    index: u32,
    generation: u32,
}

/// A table with free places, which are used again, the last freed first.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    thing: Option<T>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}

impl Key {
    /// Its place, for tables beside the slab.
    pub(crate) const fn place(self) -> usize {
        self.index as usize
    }
}

impl<T> Slab<T> {
    #[inline]
    pub(crate) fn insert(&mut self, thing: T) -> Key {
        if let Some(index) = self.free.pop()
            && let Some(place) = self.places.get_mut(index as usize)
        {
            place.thing = Some(thing);
            return Key { index, generation: place.generation };
        }
        // The crowd of a world is bounded far below.
        let index = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.places.push(Place { generation: 0, thing: Some(thing) });
        Key { index, generation: 0 }
    }

    pub(crate) fn find(&self, key: Key) -> Option<&T> {
        let place = self.places.get(key.index as usize)?;
        place.thing.as_ref().filter(|_| place.generation == key.generation)
    }

    pub(crate) fn find_mut(&mut self, key: Key) -> Option<&mut T> {
        let place = self.places.get_mut(key.index as usize)?;
        place.thing.as_mut().filter(|_| place.generation == key.generation)
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let place = self.places.get_mut(key.index as usize)?;
        if place.generation != key.generation {
            return None;
        }
        let thing = place.thing.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(key.index);
        Some(thing)
    }

    /// Removes a thing where it stands: to move out what nobody keeps would be work for nothing.
    pub(crate) fn drop_at(&mut self, key: Key) {
        let place = self.places.get_mut(key.index as usize);
        let Some(place) = place.filter(|place| place.generation == key.generation) else { return };
        if place.thing.is_some() {
            place.thing = None;
            place.generation = place.generation.wrapping_add(1);
            self.free.push(key.index);
        }
    }

    /// All that are there, in the order of their places.
    pub(crate) fn keys(&self, mut wanted: impl FnMut(&T) -> bool) -> Vec<Key> {
        let named = (0_u32..).zip(&self.places).filter_map(|(index, place)| {
            let thing = place.thing.as_ref()?;
            wanted(thing).then_some(Key { index, generation: place.generation })
        });
        named.collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_what_is_gone_finds_nothing_in_its_place() {
        let mut slab = Slab::default();
        let (first, second) = (slab.insert("a"), slab.insert("b"));
        assert_eq!(slab.remove(first), Some("a"));
        let third = slab.insert("c");
        assert_eq!(slab.find(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!((slab.find(second), slab.find(third)), (Some(&"b"), Some(&"c")));
        assert_eq!(slab.len(), 2);
        assert_eq!(slab.keys(|thing| *thing == "b"), [second]);
        for gone in [first, third, third] {
            slab.drop_at(gone);
        }
        assert_eq!((slab.find(second), slab.find(third), slab.len()), (Some(&"b"), None, 1));
        let fourth = slab.insert("d");
        assert_eq!((slab.find(third), slab.find(fourth)), (None, Some(&"d")));
    }
}
