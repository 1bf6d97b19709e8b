import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameReader } from './docker-frames.ts'

function frame(type: number, text: string): Buffer {
  const header = Buffer.alloc(8)
  header[0] = type
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

test('separates the streams however the frames are split', () => {
  const data = Buffer.concat([frame(1, 'out 1'), frame(2, 'err'), frame(1, ''), frame(1, 'out 2')])
  for (let size = 1; size <= data.length; size++) {
    const reader = new FrameReader()
    const text = { stdout: '', stderr: '' }
    for (let from = 0; from < data.length; from += size) {
      for (const { stream, chunk } of reader.read(data.subarray(from, from + size))) {
        text[stream] += chunk.toString()
      }
    }
    assert.deepEqual(text, { stdout: 'out 1out 2', stderr: 'err' })
  }
})
