import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { truncate, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { tarOf } from '../fixtures/layers.fixture.ts'
import { BLOCK, type TarEntry } from './tar-entry.ts'
import { TarParser } from './tar-parser.ts'

interface Parsed extends TarEntry {
  data: string
}

/** What an archive holds that arrives in pieces of these sizes. */
function parse(archive: Buffer, sizes: readonly number[] = []): Parsed[] {
  const entries: Parsed[] = []
  const parser = new TarParser({
    entry: (entry) => void entries.push({ ...entry, data: '' }),
    data: (chunk) => {
      const last = entries.at(-1)
      if (last) last.data += chunk.toString('latin1')
    },
    end: () => {},
  })
  let at = 0
  for (const size of sizes) {
    parser.feed(archive.subarray(at, at + size))
    at += size
  }
  parser.feed(archive.subarray(at))
  parser.finish()
  return entries
}

test('reads what was written, in pieces of any size', () => {
  const name = fc
    .string({ unit: fc.constantFrom('a', 'é', '/', ' ', '\n', 'ÿ'), minLength: 1, maxLength: 300 })
    .filter((text) => !text.endsWith('/'))
  const value = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes))
  const entry = fc.record({
    name,
    data: fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 0xffff_fffe }),
    gid: fc.integer({ min: 0, max: 0xffff_fffe }),
    modifiedAt: fc.constantFrom('0', '1700000000', '1700000000.123456789', '-5'),
    xattrs: fc.dictionary(fc.constantFrom('user.a', 'security.capability', 'user.ü'), value),
  })
  const sizes = fc.array(fc.integer({ min: 1, max: 1_500 }), { maxLength: 30 })
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 4 }), sizes, (entries, pieces) => {
      const bytes = (text: string) => Buffer.from(text).toString('latin1')
      const written = entries.map(({ name: text, xattrs, ...rest }) => ({
        ...rest,
        name: bytes(text),
        xattrs: Object.fromEntries(
          Object.entries(xattrs).map(([key, content]) => [bytes(key), content]),
        ),
      }))
      const read = parse(tarOf(written), pieces)
      assert.deepEqual(
        read.map(({ name: text, mode, uid, gid, modifiedAt, data, attributes }) => ({
          name: text,
          mode,
          uid,
          gid,
          modifiedAt,
          data: Buffer.from(data, 'latin1'),
          xattrs: Object.fromEntries(attributes),
        })),
        written,
      )
    }),
    { numRuns: 200 },
  )
})

test('never does worse with damaged archives than refuse them', () => {
  const whole = tarOf([{ name: 'a'.repeat(150), data: 'x'.repeat(700), xattrs: { 'user.a': 'b' } }])
  const at = fc.integer({ min: 0, max: whole.length - 1 })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(at, fc.integer({ min: 0, max: 255 })), { maxLength: 5 }),
      (changes) => {
        const damaged = Buffer.from(whole)
        for (const [index, byte] of changes) damaged[index] = byte
        try {
          for (const { sizeBytes, uid } of parse(damaged)) {
            assert.ok(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0 && uid >= 0)
          }
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, 'invalid')
        }
      },
    ),
    { numRuns: 500 },
  )
})

for (const format of ['v7', 'ustar', 'gnu', 'pax'] as const) {
  test(`reads archives of GNU tar in its format ${format}`, () => {
    const long = format === 'v7' ? 'short' : `${'d'.repeat(80)}/${'f'.repeat(60)}`
    const args = [`--format=${format}`, '--create', '--owner=7', '--group=8', '--mode=640']
    const rename = `--transform=s,.*,${long},`
    const archive = execFileSync('tar', [...args, rename, '--mtime=@5', '/etc/passwd'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [entry] = parse(archive)
    assert.ok(entry)
    const { name, mode, uid, gid, modifiedAt } = entry
    assert.deepEqual({ name, mode, uid, gid }, { name: long, mode: 0o640, uid: 7, gid: 8 })
    assert.equal(Number(modifiedAt), 5)
  })
}

test('refuses what is no archive, or is cut', () => {
  const whole = tarOf([{ name: 'a', data: 'x'.repeat(600) }])
  for (const length of [100, BLOCK, BLOCK + 1, 3 * BLOCK - 1]) {
    assert.throws(() => parse(whole.subarray(0, length)), /ends in the middle of an entry/)
  }
  // Some tools leave the end away.
  assert.equal(parse(whole.subarray(0, 3 * BLOCK)).length, 1)
  assert.equal(parse(Buffer.alloc(0)).length, 0)
  assert.throws(() => parse(Buffer.alloc(BLOCK, 'x')), /wrong checksum/)
  assert.throws(() => parse(Buffer.concat([Buffer.alloc(BLOCK), whole])), /goes on after its end/)
})

for (const form of [
  '--format=gnu',
  ...['0.0', '0.1', '1.0'].map((one) => `--sparse-version=${one}`),
]) {
  test(`names a sparse file that it can't read, as GNU tar writes it with ${form}`, async () => {
    await using dir = await tempDir()
    await writeFile(dir.join('holes'), 'begin')
    await truncate(dir.join('holes'), 10_000_000)
    const pax = form.startsWith('--sparse') ? ['--format=posix'] : []
    const args = ['--create', '--sparse', ...pax, form, '--directory', dir.path, 'holes']
    const archive = execFileSync('tar', args)
    assert.ok(archive.length < 100_000)
    assert.throws(() => parse(archive), {
      code: 'invalid',
      message: /^entry holes is a sparse file/,
    })
  })
}
