// SPDX-License-Identifier: Apache-2.0
// zip - writes small zip archives, wrong ones too, and reads the right ones.
import { deflateRawSync, inflateRawSync } from 'node:zlib';

const table = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) {
    c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  }
  return c >>> 0;
});

export const crc32 = (bytes) => {
  let c = 0xffffffff;
  for (const byte of bytes) {
    c = table[(c ^ byte) & 0xff] ^ (c >>> 8);
  }
  return (c ^ 0xffffffff) >>> 0;
};

const fields = (...sized) => {
  const bytes = Buffer.alloc(sized.reduce((sum, [size]) => sum + size, 0));
  let at = 0;
  for (const [size, value] of sized) {
    bytes.writeUIntLE(value, at, size);
    at += size;
  }
  return bytes;
};

/** files: { name, data } and what the directory shall say instead: size, crc, method, flags, offset. */
export const makeZip = (files, { deflate = false, count = files.length } = {}) => {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const file of files) {
    const { name, data, size = data.length, crc = crc32(data), flags = 0, offset = at } = file;
    const { method = deflate ? 8 : 0 } = file;
    const packed = deflate ? deflateRawSync(data) : data;
    const common = [[2, 20], [2, flags], [2, method], [4, 0], [4, crc], [4, packed.length], [4, size],
      [2, Buffer.byteLength(name)], [2, 0]];
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields(...common), Buffer.from(name), packed]);
    directory.push(Buffer.from('PK\x01\x02'),
      fields([2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]), Buffer.from(name));
    parts.push(local);
    at += local.length;
  }
  const whole = Buffer.concat(directory);
  return Buffer.concat([...parts, whole, Buffer.from('PK\x05\x06'),
    fields([2, 0], [2, 0], [2, count], [2, count], [4, whole.length], [4, at], [2, 0])]);
};

/** The files of an archive without a comment. */
makeZip.read = (zip) => {
  const end = zip.length - 22;
  const files = [];
  let at = zip.readUInt32LE(end + 16);
  for (let i = zip.readUInt16LE(end + 10); i > 0; i--) {
    const [nameSize, extra, comment] = [28, 30, 32].map((field) => zip.readUInt16LE(at + field));
    const offset = zip.readUInt32LE(at + 42);
    const start = offset + 30 + zip.readUInt16LE(offset + 26) + zip.readUInt16LE(offset + 28);
    const packed = zip.subarray(start, start + zip.readUInt32LE(at + 20));
    files.push({
      name: zip.toString('utf8', at + 46, at + 46 + nameSize),
      data: zip.readUInt16LE(at + 10) === 8 ? inflateRawSync(packed) : packed,
    });
    at += 46 + nameSize + extra + comment;
  }
  return files;
};
