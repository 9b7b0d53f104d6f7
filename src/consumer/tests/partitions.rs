//! Partitions are the same in every release.

use std::num::NonZeroU16;

use crate::consumer::partition;
use crate::consumer::partition::crc32;

/// The channels of the documentation: their CRC-32, and their partition of 2, 3, 8, 10 and 65,535. The numbers are those
/// of zlib.
const VECTORS: [(&str, u32, [i32; 5]); 7] = [
    ("", 0, [0, 0, 0, 0, 0]),
    ("123456789", 3_421_780_262, [0, 2, 6, 2, 1307]),
    ("news", 500_406_608, [0, 2, 0, 8, 46883]),
    ("user:42", 1_684_999_558, [0, 1, 6, 8, 29173]),
    ("dialog:7:8", 4_206_421_714, [0, 1, 2, 4, 57739]),
    ("$personal:#7", 3_771_609_159, [1, 0, 7, 9, 4374]),
    ("чат:привет", 2_834_801_360, [0, 2, 0, 0, 19400]),
];

fn of(partitions: u16) -> NonZeroU16 {
    NonZeroU16::new(partitions).expect("not zero")
}

#[test]
fn partitions_are_those_of_documentation() {
    let documentation = include_str!("../partition.rs");
    for (channel, hash, expected) in VECTORS {
        assert_eq!(crc32(channel.as_bytes()), hash, "{channel}");
        let found = [2, 3, 8, 10, u16::MAX].map(|count| partition(channel, of(count)));
        assert_eq!(found, expected, "{channel}");

        let name = if channel.is_empty() {
            "(empty)".to_owned()
        } else {
            format!("`{channel}`")
        };
        let [two, three, eight, ten, _] = expected;
        let row = format!("| {name} | {hash} | {two} | {three} | {eight} | {ten} |\n");
        assert!(documentation.contains(&row), "{row}");
    }
}

#[test]
fn every_partition_is_in_range() {
    for count in [1, 2, 7, 256, u16::MAX] {
        for index in 0..2000 {
            let found = partition(&format!("user:{index}"), of(count));
            assert!((0..i32::from(count)).contains(&found), "{found} of {count}");
        }
    }
}

#[test]
fn channels_are_spread_evenly() {
    const CHANNELS: u32 = 1000;
    let names: [fn(u32) -> String; 4] = [
        |index| format!("user:{index}"),
        |index| format!("room-{:06}", index * 8),
        |index| format!("dialog:{index}:{}", index + 1),
        |index| format!("dialog:{index}:{index}"),
    ];
    for name in names {
        for count in [2, 3, 4, 8, 16] {
            let mut channels = vec![0; usize::from(count)];
            for index in 0..CHANNELS {
                let found = partition(&name(index), of(count));
                channels[usize::try_from(found).expect("not negative")] += 1;
            }
            let fair = CHANNELS / u32::from(count);
            let is_even = channels.iter().all(|n| (fair / 2..=fair * 2).contains(n));
            assert!(is_even, "{}: {channels:?}", name(1));
        }
    }
}
