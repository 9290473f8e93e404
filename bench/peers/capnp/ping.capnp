@0xd3a1f6b2c4e59872;
# What the server of the measurement answers to.

interface Root {
  ping @0 (i :UInt32) -> (i :UInt32);
}
