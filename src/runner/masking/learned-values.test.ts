import assert from 'node:assert/strict'
import { appendFile, symlink, writeFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { maskFileAt } from '../executor/local/open-mask-file.ts'
import { JobMask } from './job-mask.ts'
import { SecretMask } from './secret-mask.ts'

async function openMask(...secrets: string[]) {
  const dir = await tempDir()
  const runnerPath = dir.join('mask')
  await writeFile(runnerPath, '')
  const mask = new JobMask(Object.fromEntries(secrets.map((value, n) => [`SECRET_${n}`, value])))
  mask.learnFrom({ maskFile: maskFileAt('/mask', runnerPath) })
  return {
    mask,
    add: (text: string) => appendFile(runnerPath, text),
    put: (text: string) => writeFile(runnerPath, text),
    [Symbol.asyncDispose]: async () => {
      mask[Symbol.dispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

suite('what a job adds to its mask', () => {
  test('is masked from then on, beside its secrets, in all forms', async () => {
    await using file = await openMask('the-secret')
    const { mask, add } = file
    assert.equal(mask.text('the-secret and a-token'), '*** and a-token')
    await add('a-token\r\n\n  other one\n')
    assert.equal(mask.text('the-secret, a-token, other one'), '***, ***, ***')
    assert.equal(mask.text(Buffer.from('a-token').toString('base64')), '***')
    assert.equal(mask.text(encodeURIComponent('other one')), '***')
    assert.equal(mask.refresh(), mask.refresh())
    // Without its end, and then with more of it.
    await add('unfinish')
    assert.equal(mask.text('unfinished'), '***ed')
    await add('ed')
    assert.equal(mask.text('unfinished'), '***')
    // By who does not append.
    await file.put('written anew')
    assert.equal(mask.text('a-token written anew'), '*** ***')
    assert.deepEqual(mask.takeNotes(), [])
    mask[Symbol.dispose]()
    assert.equal(mask.text('a-token'), '***')
  })

  test('is refused with a word on it where it can not be masked', async () => {
    await using file = await openMask()
    const { mask, add } = file
    assert.equal(mask.isEmpty, true)
    await add('abc\nlong enough\nno\0text\n')
    assert.equal(mask.text('abc long enough'), 'abc ***')
    await file.add('\n')
    mask.refresh()
    assert.deepEqual(mask.takeNotes(), [
      'line 1, with fewer than 4 characters, of the file of NARWHAL_MASK is not masked',
      'line 3, which is no text, of the file of NARWHAL_MASK is not masked',
    ])
    assert.deepEqual(mask.takeNotes(), [])
  })

  test('is bounded', async () => {
    await using many = await openMask()
    await many.add(Array.from({ length: 101 }, (_, i) => `value ${i}\n`).join(''))
    const last = many.mask.text('value 99, value 100')
    assert.equal(last, '***, ***0')
    const [note] = many.mask.takeNotes()
    const words = /^line 101, since there are more than 100 values or 16 KiB, of the file/
    assert.match(note ?? '', words)
    await using large = await openMask()
    await large.add(`${'x'.repeat(17_000)}\nsmall\n${'\n'.repeat(300_000)}unseen\n`)
    assert.equal(large.mask.text('small unseen'), '*** unseen')
    assert.match(large.mask.takeNotes().join('\n'), /^line 1, .*\nwhat is behind 256 KiB of the/)
    await using short = await openMask()
    await short.add('ab\n'.repeat(100))
    short.mask.refresh()
    assert.equal(short.mask.takeNotes().length, 20)
  })

  test('is read from no link', async () => {
    await using dir = await tempDir()
    await symlink('/etc/passwd', dir.join('link'))
    assert.throws(() => maskFileAt('/mask', dir.join('link')).open(), { code: 'ELOOP' })
  })
})

test('what is learned in the midst of a stream is masked in all that was not given out before', () => {
  const unit = fc.constantFrom(...'abc\n'.split(''))
  const value = fc.string({ unit, minLength: 4, maxLength: 8 }).filter((v) => v.trim().length >= 4)
  const values = fc.array(value, { minLength: 1, maxLength: 2 })
  const text = fc.string({ unit, maxLength: 30 })
  const property = fc.property(values, values, text, text, (secrets, learned, first, second) => {
    const stream = new SecretMask(secrets).openStream()
    const before = stream.write(Buffer.from(first)).toString()
    stream.hideAlso([new SecretMask(learned)])
    const after = Buffer.concat([stream.write(Buffer.from(second)), stream.end()]).toString()
    // Whoever had known all of it from the beginning would not have shown more.
    const whole = new SecretMask([...secrets, ...learned]).text(second)
    for (const one of [...secrets, ...learned]) {
      if (!whole.includes(one.trim())) assert.ok(!after.includes(one.trim()), `${before}|${after}`)
    }
    const all = new SecretMask(secrets).text(first + second)
    for (const one of secrets) {
      if (!all.includes(one.trim())) assert.ok(!(before + after).includes(one.trim()))
    }
  })
  fc.assert(property, { numRuns: 500 })
})
