import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { BodyThread } from './body-thread.ts'

const FORM = { kind: 'hmac', prefix: '' } as const
const PLACE = { object: 'repository', name: 'full_name' }
const JSON_TEXT = '{"repository":{"id":7,"full_name":"ada/roof"},"list":[1,2,3]}'

/** Each in a buffer of its own, as a server gets them. */
function pieces(text: string): Uint8Array[] {
  return [text.slice(0, 20), text.slice(20)].map((part) => new TextEncoder().encode(part))
}

function signed(text: string, secret: string): string {
  return createHmac('sha256', secret).update(text).digest('hex')
}

test('keeps nothing of a long body on the event loop, and gives it back when it is signed', async () => {
  using thread = new BodyThread()
  using body = thread.open()
  for (const piece of pieces(JSON_TEXT)) {
    body.add(piece)
    assert.equal(piece.byteLength, 0)
  }
  assert.deepEqual(await body.findAddress(PLACE, false), { forgeId: 7, fullName: 'ada/roof' })
  const shown = signed(JSON_TEXT, 'former')
  const proven = await body.prove({ form: FORM, shown, secrets: ['present', 'former'] })
  assert.ok(typeof proven === 'object')
  assert.equal(proven.by, 1)
  assert.equal(Buffer.from(proven.bytes).toString(), JSON_TEXT)
})

test('gives nothing of a body that none of the secrets has signed, and keeps bodies apart', async () => {
  using thread = new BodyThread()
  using one = thread.open()
  using other = thread.open()
  for (const [body, text] of [
    [one, 'one'],
    [other, 'other'],
  ] as const) {
    body.add(new TextEncoder().encode(text))
  }
  const shown = signed('other', 'secret')
  const proof = { form: FORM, shown, secrets: ['secret'] }
  assert.equal(await one.prove(proof), undefined)
  assert.partialDeepStrictEqual(await other.prove(proof), { by: 0 })
})

test('copies a piece that shares its buffer with others', async () => {
  using thread = new BodyThread()
  using body = thread.open()
  const whole = Buffer.from('before-text-behind')
  body.add(whole.subarray(7, 11))
  assert.equal(whole.toString(), 'before-text-behind')
  const shown = signed('text', 'secret')
  assert.partialDeepStrictEqual(await body.prove({ form: FORM, shown, secrets: ['secret'] }), {
    by: 0,
  })
})

test('knows a form whose JSON was signed instead of the form', async () => {
  using thread = new BodyThread()
  const shown = signed(JSON_TEXT, 'secret')
  const proof = { form: FORM, shown, secrets: ['secret'], isForm: true }
  const prove = async (json: string) => {
    using body = thread.open()
    body.add(new TextEncoder().encode(`payload=${encodeURIComponent(json)}`))
    return await body.prove(proof)
  }
  assert.equal(await prove(JSON_TEXT), 'otherwise')
  assert.equal(await prove('{}'), undefined)
})

test('refuses who still asks when it ends, and starts anew for the next', async () => {
  using thread = new BodyThread()
  using body = thread.open()
  const proof = { form: FORM, shown: '', secrets: ['secret'] }
  const asked = body.prove(proof)
  thread[Symbol.dispose]()
  await assert.rejects(asked, { code: 'unavailable' })
  await assert.rejects(body.prove(proof), { code: 'unavailable' })
  using next = thread.open()
  assert.equal(await next.prove(proof), undefined)
})
