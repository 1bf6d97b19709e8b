import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { formsOf } from './secret-forms.ts'
import { SecretMask } from './secret-mask.ts'

const SECRET = 'c4nary-Value/+42'
const PEM = [
  '-----BEGIN PRIVATE KEY-----',
  'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDB0RkBqpC5zWmG',
  'q8hTnqnTjNqk5mXU7lnvVJ0Vw4n9vF0bYFh4C2lF1d7dQwq5eS6Xb0m3hS9bqQ2t',
  'Zk7gAgMBAAEC',
  '-----END PRIVATE KEY-----',
  '',
].join('\n')

/** What stands around a key is the same around each. */
const [BEGIN = '', , , , END = ''] = PEM.split('\n')
const MASKED_PEM = `${BEGIN}\n***\n***\n***\n${END}\n`

function maskOf(...values: string[]): SecretMask {
  const mask = SecretMask.of(values)
  assert.ok(mask)
  return mask
}

/** What comes out when the text is written in these pieces. */
function inPieces(mask: SecretMask, pieces: readonly Buffer[]): string {
  const stream = mask.openStream()
  return Buffer.concat([...pieces.map((piece) => stream.write(piece)), stream.end()]).toString()
}

function cutAt(bytes: Buffer, ...places: number[]): Buffer[] {
  const ends = [...new Set(places)].toSorted((a, b) => a - b)
  return [...ends, bytes.length].map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
}

suite('a secret in what a job prints', () => {
  test('is masked wherever it is cut in two or three, and byte by byte', () => {
    const mask = maskOf(SECRET, PEM)
    const text = Buffer.from(`before ${SECRET} after\n${PEM}end ${SECRET.slice(0, 3)}`)
    const whole = mask.text(text.toString())
    assert.equal(whole, `before *** after\n${MASKED_PEM}end ${SECRET.slice(0, 3)}`)
    for (let first = 0; first <= text.length; first++) {
      assert.equal(inPieces(mask, cutAt(text, first)), whole)
      assert.equal(inPieces(mask, cutAt(text, first, (first * 7) % text.length)), whole)
    }
    assert.equal(inPieces(mask, cutAt(text, ...text.keys())), whole)
    const long = Buffer.from(`${'x'.repeat(65_530)}${SECRET}${'y'.repeat(100)}`)
    const cut = inPieces(mask, cutAt(long, 65_536))
    assert.equal(cut, `${'x'.repeat(65_530)}***${'y'.repeat(100)}`)
  })

  test('is held back while it may go on, for as long as it takes, and then never shown in part', () => {
    const stream = maskOf(SECRET).openStream()
    const write = (text: string) => stream.write(Buffer.from(text)).toString()
    assert.equal(write(`a${SECRET.slice(0, 9)}`), 'a')
    assert.equal(write(SECRET.slice(9, 15)), '')
    assert.equal(write('!'), `${SECRET.slice(0, 15)}!`)
    assert.equal(write(SECRET.slice(0, 9)), '')
    assert.equal(stream.end().toString(), '***')
    assert.equal(write(`${SECRET.slice(9)} ${SECRET.slice(0, 3)}`), `${SECRET.slice(9)} `)
    assert.equal(stream.end().toString(), SECRET.slice(0, 3))
  })

  test('of several lines is masked line by line, however the lines are printed', () => {
    const mask = maskOf(PEM)
    const lines = PEM.trim().split('\n')
    assert.equal(mask.text(PEM.replaceAll('\n', '\r\n')), MASKED_PEM.replaceAll('\n', '\r\n'))
    const indented = MASKED_PEM.trim().replaceAll('\n', '\n  ')
    assert.equal(mask.text(`  ${lines.join('\n  ')}\n`), `  ${indented}\n`)
    for (const line of lines.slice(1, -1)) assert.equal(mask.text(`> ${line}\n`), '> ***\n')
    const short = maskOf('ab\ncd\n  ef')
    assert.equal(short.text('x ab\ncd\n  ef y, ab, cd'), 'x *** y, ab, cd')
    assert.equal(short.text('x ab\r\ncd\r\n  ef y'), 'x *** y')
  })

  test('is masked in base64 of both kinds, at each offset, padded or not, and broken into lines', () => {
    for (const secret of [SECRET, PEM, 'pass', 'käse?>ÿ~~', `${SECRET}${'z'.repeat(200)}`]) {
      const mask = maskOf(secret)
      for (const encoding of ['base64', 'base64url'] as const) {
        for (const before of ['', 'a', 'ab', 'abc', 'user:']) {
          for (const after of ['', '\n', ' and more']) {
            const encoded = Buffer.from(before + secret + after).toString(encoding)
            // Nothing is left of it but what its neighbours have a part in.
            const most = Math.ceil((before.length * 4) / 3) + Math.ceil((after.length * 4) / 3) + 7
            for (const columns of [76, 64, 60, Infinity]) {
              const shown = mask.text(wrap(encoded, columns))
              assert.match(shown, /\*\*\*/)
              assert.ok(shown.replaceAll(/[*\r\n]/g, '').length <= most, `${secret}: ${shown}`)
            }
          }
        }
      }
      assert.equal(mask.text(Buffer.from(secret).toString('base64')), '***')
      const echoed = wrap(Buffer.from(`${secret}\n`).toString('base64'), 76)
      assert.equal(mask.text(`${echoed}\n`), '***\n')
    }
  })

  test('is masked in hexadecimal, URLs, JSON, XML, scripts, and base64 of base64', () => {
    const secret = `pä$$w%rd'"\\&<4> /\t+(!`
    const mask = maskOf(secret)
    const bytes = Buffer.from(secret)
    const url = encodeURIComponent(secret)
    const forms = {
      hex: bytes.toString('hex'),
      'hex in capitals': bytes.toString('hex').toUpperCase(),
      'hex in lines': wrap(bytes.toString('hex'), 20),
      URL: url,
      'URL in small letters': url.replaceAll(/%../g, (code) => code.toLowerCase()),
      form: new URLSearchParams({ a: secret }).toString().slice(2).replaceAll('%7E', '~'),
      JSON: JSON.stringify(secret).slice(1, -1),
      'JSON in ASCII': JSON.stringify(secret).slice(1, -1).replace('ä', '\\u00e4'),
      "JSON of Go's": JSON.stringify(secret)
        .slice(1, -1)
        .replace('&', '\\u0026')
        .replace('<', '\\u003c')
        .replace('>', '\\u003e'),
      XML: `pä$$w%rd&#39;&quot;\\&amp;&lt;4&gt; /\t+(!`,
      'single quotes': secret.replace("'", `'\\''`),
      'doubled dollars': secret.replaceAll('$', '$$$$'),
      'base64 twice': Buffer.from(bytes.toString('base64')).toString('base64'),
      'base64 twice, by echo': Buffer.from(
        `${Buffer.from(`${secret}\n`).toString('base64')}\n`,
      ).toString('base64'),
    }
    for (const [what, form] of Object.entries(forms)) {
      const shown = mask.text(`<${form}>`)
      assert.ok(shown.startsWith('<***') && shown.length <= 24, `${what}: ${shown}`)
    }
  })

  test('is not promised to be masked when it was turned into something else', () => {
    const mask = maskOf(SECRET)
    const others = [
      SECRET.split('').toReversed().join(''),
      gzipSync(SECRET).toString('base64'),
      SECRET.slice(1),
      SECRET.split('').join(' '),
      SECRET.replace('a', '\u001b[1ma'),
    ]
    for (const other of others) assert.equal(mask.text(other), other)
  })

  test('is masked as a whole where secrets overlap, touch, or begin alike', () => {
    assert.equal(maskOf('abcdef', 'defghi').text('xabcdefghiy'), 'x***y')
    assert.equal(maskOf('abcd', 'abcdefgh').text('abcdefgh abcdefg abcd'), '*** ***efg ***')
    assert.equal(maskOf('abcd').text('abcdabcd abc'), '*** abc')
    assert.equal(maskOf('aaaa').text('a'.repeat(11)), '***')
    assert.equal(maskOf('abcabd', 'bcab').text('abcabcabd'), 'a***')
    assert.equal(maskOf('^a.*(b+)$').text('^a.*(b+)$ aab'), '*** aab')
  })

  test('does not make bytes wrong that are none', () => {
    const mask = maskOf(SECRET)
    const noise = Buffer.from(Array.from({ length: 512 }, (_, i) => (i * 131) % 256))
    const stream = mask.openStream()
    assert.ok(Buffer.concat([stream.write(noise), stream.end()]).equals(noise))
    assert.equal(stream.write(noise), noise)
  })

  test('costs nothing where there is none', () => {
    assert.equal(SecretMask.of([]), undefined)
    assert.equal(SecretMask.of(['', 'abc', '\n\n']), undefined)
  })

  test('can not make the search slow or large', () => {
    const value = 'a'.repeat(32 * 1024)
    const mask = maskOf(value, `${value.slice(1)}b`)
    const stream = mask.openStream()
    const piece = Buffer.from('a'.repeat(4096))
    let shown = 0
    for (let i = 0; i < 256; i++) shown += stream.write(piece).length
    assert.ok(shown < 100)
    // Nor do endless line ends keep an unfinished encoding waiting.
    const wrapping = maskOf(SECRET).openStream()
    const start = Buffer.from(Buffer.from(SECRET).toString('hex').slice(0, 12))
    wrapping.write(start)
    const ends = Buffer.from('\r\n'.repeat(10))
    assert.equal(wrapping.write(ends).length, start.length + ends.length)
  })
})

test('every form of every value is masked, and what comes out does not depend on the pieces', () => {
  const unit = fc.constantFrom(...'ab$%\\\'"<& \n=/é'.split(''))
  const few = fc.string({ unit, minLength: 4, maxLength: 12 })
  const more = fc.string({ unit, minLength: 9, maxLength: 40 })
  const value = fc.oneof(few, more).filter((v) => v.trim().length >= 4)
  // Long enough that most of it is passed over.
  const filler = fc
    .nat({ max: 150 })
    .map((length) => 'so much is said\n'.repeat(10).slice(0, length))
  const property = fc.property(
    fc.array(value, { minLength: 1, maxLength: 3 }),
    fc.array(fc.oneof(fc.nat(), fc.string({ unit, maxLength: 6 }), filler), { maxLength: 6 }),
    fc.array(fc.nat(), { maxLength: 40 }),
    (values, parts, cuts) => {
      const mask = maskOf(...values)
      const { exact, wrapped } = formsOf(values)
      const forms = [...exact, ...wrapped].map(({ bytes: form }) => form)
      const bytes = Buffer.concat(
        parts.map((part) =>
          typeof part === 'number'
            ? (forms[part % forms.length] ?? Buffer.of())
            : Buffer.from(part),
        ),
      )
      const whole = mask.text(bytes.toString())
      const places = cuts.map((cut) => cut % (bytes.length + 1))
      assert.equal(inPieces(mask, cutAt(bytes, ...places)), whole)
      const reference = maskExactly(
        bytes,
        exact.map((one) => one.bytes),
      )
      for (const { bytes: secret } of exact) {
        if (!/[*]/.test(secret.toString())) assert.ok(!whole.includes(secret.toString()), whole)
      }
      // Whatever a plain search of the whole finds is masked here as well.
      assert.ok(isCovered(whole, reference), `${whole} / ${reference}`)
    },
  )
  fc.assert(property, { numRuns: 600 })
})

/** By looking for each form by itself in all of the bytes. */
function maskExactly(bytes: Buffer, forms: readonly Buffer[]): string {
  const isSecret = new Uint8Array(bytes.length)
  for (const form of forms) {
    for (let at = bytes.indexOf(form); at !== -1; at = bytes.indexOf(form, at + 1)) {
      isSecret.fill(1, at, at + form.length)
    }
  }
  return Buffer.from(bytes.filter((_, i) => isSecret[i] === 0)).toString()
}

/** Whether what is left of the bytes is a part of what a plain search leaves, in order. */
function isCovered(masked: string, left: string): boolean {
  let at = 0
  for (const character of masked.replaceAll('***', '')) {
    at = left.indexOf(character, at) + 1
    if (at === 0) return false
  }
  return true
}

function wrap(text: string, columns: number): string {
  if (columns === Infinity) return text
  return text.replaceAll(new RegExp(`.{${columns}}(?=.)`, 'g'), '$&\n')
}
