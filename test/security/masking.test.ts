import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { SecretMask } from '../../src/runner/masking/secret-mask.ts'
import { gitRepository } from '../support/git-repository.ts'
import { finished, register, startUp } from '../support/installation.ts'

const run = promisify(execFile)

const KEY_LINES = [
  'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDB0RkBqpC5zWmG',
  'q8hTnqnTjNqk5mXU7lnvVJ0Vw4n9vF0bYFh4C2lF1d7dQwq5eS6Xb0m3hS9bqQ2t',
  'Zk7gAgMBAAECq7mX',
]
const PEM = ['-----BEGIN PRIVATE KEY-----', ...KEY_LINES, '-----END PRIVATE KEY-----', ''].join(
  '\n',
)
/** A cloud's file for a service account, with the key in it. */
const ACCOUNT = JSON.stringify({
  project_id: 'canary-project-77',
  private_key_id: 'f00dfeedc0ffee',
  private_key: PEM,
  client_email: 'ci@canary.example.test',
  active: true,
})
/** As some tools require: one line, with escaped line feeds. */
const FLAT_KEY = PEM.replaceAll('\n', String.raw`\n`)
const NEEDLES = [...KEY_LINES, 'canary-project-77', 'f00dfeedc0ffee', 'ci@canary.example.test']

function maskOf(...values: string[]): SecretMask {
  const mask = SecretMask.of(values)
  assert.ok(mask)
  return mask
}

function assertHidden(shown: string, what: string): void {
  for (const needle of NEEDLES) assert.ok(!shown.includes(needle), `${what}: ${shown}`)
}

/** Ways in which shells print the value of the variable V. */
const PRINTED = [
  ['sh', 'echo "$V"'],
  ['sh', 'printf "%s\\n" "$V"'],
  ['sh', 'printf "%b\\n" "$V"'],
  ['sh', 'echo $V'],
  ['bash', 'echo "$V"'],
  ['bash', 'echo -e "$V"'],
  ['bash', 'printf "%b" "$V"'],
  ['bash', 'set -x; : "$V"'],
  ['bash', 'declare -p V'],
  ['sh', 'echo "$V" | base64'],
  ['sh', 'echo "$V" | base64 -w0 | base64'],
  ['sh', 'echo "$V" | od -An -tx1 | tr -d " \\n"'],
] as const

test('MSK-01: a key with escapes in it is masked however a shell prints it', async () => {
  for (const value of [ACCOUNT, FLAT_KEY, PEM, JSON.stringify(JSON.parse(ACCOUNT), undefined, 2)]) {
    const mask = maskOf(value)
    for (const [shell, script] of PRINTED) {
      const env = { V: value, PATH: process.env['PATH'] ?? '' }
      const { stdout, stderr } = await run(shell, ['-c', script], { env })
      const shown = mask.text(`${stdout}${stderr}`)
      assertHidden(shown, `${shell}: ${script}`)
      assert.match(shown, /\*\*\*/)
      // Encoded text can be decoded.
      assertHidden(Buffer.from(shown.replaceAll(/[\s*]/g, ''), 'base64').toString(), script)
      assertHidden(Buffer.from(shown.replaceAll(/[\s*]/g, ''), 'hex').toString(), script)
    }
  }
})

test('MSK-01b: a job that prints its account in dash shows nothing of it, in its log or outputs', async () => {
  const file = {
    jobs: {
      prints: {
        secrets: ['ACCOUNT'],
        steps: [{ name: 'print', command: 'echo "$ACCOUNT"; echo "$ACCOUNT" >&2; echo -- done' }],
      },
    },
  }
  await using source = await gitRepository({ files: { 'narwhal.yml': JSON.stringify(file) } })
  await using narwhal = await startUp({ executor: 'process:' })
  const { forge } = await register(narwhal, source.path)
  await narwhal.client.setSecret('ACCOUNT', { value: ACCOUNT }, forge.fullName)
  const { id } = await narwhal.client.startPipeline({ repository: forge.fullName })
  const { jobs } = await finished(narwhal, id)
  const [job] = jobs
  assert.ok(job)
  assert.equal(job.outcome, 'success', job.reason)
  const log = await narwhal.client.readLog({ jobId: job.id, attempt: 1 }, { from: 0, limit: 100 })
  const text = log.lines.map((line) => line.text).join('\n')
  assertHidden(text, 'the log')
  assert.match(text, /-- done/)
})

test('MSK-02: each longer string in a JSON secret is masked by itself, short ones are not', () => {
  const mask = maskOf(ACCOUNT)
  const fields = JSON.parse(ACCOUNT) as Record<string, unknown>
  for (const value of Object.values(fields)) {
    if (typeof value !== 'string') continue
    const shown = mask.text(`${value}\n`)
    assertHidden(shown, value)
    assertHidden(
      Buffer.from(mask.text(Buffer.from(value).toString('base64')), 'base64').toString(),
      value,
    )
  }
  assert.equal(mask.text('active: true, {"a": 1}\n'), 'active: true, {"a": 1}\n')
})

test('SEC-23: base64, once and twice, reveals nothing of the last byte, at any offset', () => {
  const text = fc.string({ unit: 'binary-ascii', maxLength: 7 })
  const value = fc.string({ unit: 'grapheme-ascii', minLength: 8, maxLength: 40 })
  const byte = fc.constantFrom(...'aZ09~!'.split(''))
  const encode = (what: string, kind: 'base64' | 'base64url'): string =>
    Buffer.from(what).toString(kind)
  const property = fc.property(
    fc.record({ before: text, after: text, value, one: byte, other: byte }),
    fc.constantFrom('base64', 'base64url'),
    ({ before, after, value: start, one, other }, kind) => {
      fc.pre(start.trim() === start && !start.includes('\\'))
      const shown = (last: string, make: (secret: string) => string): string =>
        maskOf(`${start}${last}`).text(make(`${start}${last}`))
      const once = (secret: string): string => encode(`${before}${secret}${after}`, kind)
      assert.equal(shown(one, once), shown(other, once))
      for (const end of ['', '\n']) {
        const twice = (secret: string): string =>
          encode(encode(`${before}${secret}${end}`, 'base64') + end, kind)
        assert.equal(shown(one, twice), shown(other, twice))
      }
    },
  )
  fc.assert(property, { numRuns: 400 })
})

/** Lines as in any log. */
const HARMLESS = [
  '{',
  '}',
  '},',
  '  "name": "app",',
  '[',
  'e',
  'f',
  'ok',
  'docker build .',
  '-----BEGIN CERTIFICATE-----',
  '-----BEGIN PRIVATE KEY-----',
  '-----END PRIVATE KEY-----',
  '--------',
  '',
  '  ',
  '=',
  'true',
  'type:',
  '"""',
  'a=b',
]

test('MSK-03: a log without the secret is byte for byte the same, whatever lines the secret has', () => {
  const part = fc.stringMatching(/^[0-9a-f]{16,32}$/)
  // A line of eight characters or more is part of the secret.
  const around = HARMLESS.filter((one) => one.trim().length < 8 || one.startsWith('-----'))
  const line = fc.oneof(fc.constantFrom(...around), fc.stringMatching(/^[g-z]{0,7}$/))
  const secret = fc
    .tuple(fc.array(line, { maxLength: 6 }), part, fc.array(line, { maxLength: 6 }))
    .map(([before, key, after]) => [...before, `key-${key}`, ...after].join('\n'))
  const log = fc
    .array(fc.oneof(fc.constantFrom(...HARMLESS), fc.lorem({ maxCount: 5 })), { maxLength: 40 })
    .map((lines) => lines.map((one) => `${one}\n`).join(''))
  const property = fc.property(
    fc.array(secret, { minLength: 1, maxLength: 3 }),
    log,
    (secrets, text) => {
      assert.equal(maskOf(...secrets).text(text), text)
      const shown = maskOf(...secrets).text(`${text}${secrets[0]}\n`)
      const [key = ''] = /key-[0-9a-f]+/.exec(secrets[0] ?? '') ?? []
      assert.ok(!shown.includes(key))
    },
  )
  fc.assert(property, { numRuns: 500 })
})

test('MSK-04: the text around keys is shown, and a short secret is masked as a whole', () => {
  const mask = maskOf(PEM)
  const [begin, , , , end] = PEM.split('\n')
  assert.equal(mask.text(`${begin}\n${end}\n`), `${begin}\n${end}\n`)
  assert.equal(mask.text(PEM), `${begin}\n***\n***\n***\n${end}\n`)
  assert.equal(maskOf('a-b4').text('is a-b4!\n'), 'is ***!\n')
  assert.equal(maskOf('ab\ncd\n{').text('{ ab cd e f\nab\ncd\n{\n'), '{ ab cd e f\n***\n')
})

test('MSK-05: an output that contains a secret fails its job with an error that names both', async () => {
  const file = {
    jobs: {
      tells: {
        secrets: ['DEPLOY_KEY'],
        outputs: ['url', 'plain'],
        steps: [
          {
            name: 'tell',
            command:
              'echo plain=1 >>"$NARWHAL_OUTPUT"; echo "url=https://x:$DEPLOY_KEY@example.test" >>"$NARWHAL_OUTPUT"',
          },
        ],
      },
      learns: {
        outputs: ['token'],
        steps: [
          {
            name: 'tell',
            command:
              'echo learned-77aa55 >>"$NARWHAL_MASK"; echo token=learned-77aa55 | base64 >&2; echo token=$(echo learned-77aa55 | base64) >>"$NARWHAL_OUTPUT"',
          },
        ],
      },
      needs: { needs: ['tells'], steps: [{ name: 'use', command: 'echo never' }] },
    },
  }
  await using source = await gitRepository({ files: { 'narwhal.yml': JSON.stringify(file) } })
  await using narwhal = await startUp({ executor: 'process:' })
  const { forge } = await register(narwhal, source.path)
  await narwhal.client.setSecret('DEPLOY_KEY', { value: 'canary-of-an-output' }, forge.fullName)
  const { id } = await narwhal.client.startPipeline({ repository: forge.fullName })
  const { jobs } = await finished(narwhal, id)
  const [tells, learns, needs] = jobs
  assert.deepEqual([tells?.outcome, learns?.outcome, needs?.outcome], ['error', 'error', 'skipped'])
  assert.match(tells?.reason ?? '', /outputs are invalid: url contains the secret of DEPLOY_KEY/)
  assert.match(learns?.reason ?? '', /token contains the secret of NARWHAL_MASK/)
  assert.ok(!JSON.stringify(await narwhal.client.getPipeline(id)).includes('canary-of-an-output'))
})
