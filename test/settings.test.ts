import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runNarwhal, startNarwhal } from './support/narwhal-process.ts'
import { tempDir } from './support/temp-dir.ts'

const WRONG: Record<string, string> = {
  port: '65536',
  host: 'a b',
  database: 'mysql://user:hunter2@host/db',
  broker: 'kafka://user:hunter2@host',
  'sealing-keys': '',
  executor: 'qemu:',
  name: '../x',
  slots: '0',
  labels: 'a b',
  heuristic: 'best',
  dispatcher: 'ftp://host',
  advertise: 'host:4750',
  'runner-token': 'hunter2',
  'first-token': 'hunter2',
  'health-port': 'x',
  'job-timeout': '10',
  'approval-days': '0',
  'max-attempts': '-1',
  'max-priority': '101',
  'stranger-includes': 'acme',
  'job-memory': 'much',
  'job-cpus': '0.5',
  'job-processes': '1',
  'job-disk': 'all',
  'disk-reserve': '-1',
  'mirror-size': 'all',
  'checkout-size': '20',
  'checkout-files': '0',
  'fetch-hosts': 'https://github.com',
  strangers: 'docker:,bubblewrap:',
  otlp: 'collector:4318',
  'public-url': 'ci.example.com',
  'oidc-issuer': 'http://ci.example.com',
  'log-level': 'loud',
  'log-format': 'xml',
}

const USED: Record<string, readonly string[]> = {
  agent: ['port', 'host', 'database', 'broker', 'log-level', 'log-format'],
  dispatcher: ['port', 'host', 'first-token', 'database', 'broker', 'heuristic', 'job-timeout'],
  web: ['port', 'host', 'dispatcher', 'database', 'broker'],
  runner: ['port', 'executor', 'name', 'slots', 'labels', 'advertise', 'runner-token', 'job-cpus'],
  up: Object.keys(WRONG).filter(
    (name) => !['dispatcher', 'advertise', 'runner-token', 'health-port'].includes(name),
  ),
}

for (const [service, names] of Object.entries(USED)) {
  test(`narwhal ${service} refuses every setting that can't be right, all at once, by name`, async () => {
    // Half of them as flags, half as variables, and a variable that does not exist.
    const flags = names.filter((_, i) => i % 2 === 0)
    const args = flags.flatMap((name) => [`--${name}`, WRONG[name] ?? ''])
    const variables = names.filter((_, i) => i % 2 === 1).map((name) => [variableOf(name), name])
    const env = Object.fromEntries(variables.map(([name = '', of = '']) => [name, WRONG[of] ?? '']))
    const { code, said } = await runNarwhal([service, ...args], { ...env, NARWHAL_SLOT: '2' })
    assert.equal(code, 2, said)
    for (const name of flags) assert.match(said, new RegExp(`^ +--${name}\\b.* must `, 'm'))
    for (const [name] of variables) assert.match(said, new RegExp(`^ +${name}\\b.* must `, 'm'))
    assert.match(said, /NARWHAL_SLOT is not a setting/)
    assert.doesNotMatch(said, /hunter2/)
    assert.doesNotMatch(said, /\bat .*\.ts:\d+/)
  })
}

test('settings that are missing, or refuse each other, are named', async () => {
  await using data = await tempDir()
  const shared = ['--database', `sqlite:${data.join('x.db')}`, '--broker', 'amqp://127.0.0.1:1']
  const cases: [string[], RegExp][] = [
    [['agent', '--broker', 'amqp://127.0.0.1:1'], /NARWHAL_DATABASE.*--database/],
    [['dispatcher', '--broker', 'embedded:'], /NARWHAL_BROKER.*--broker[^]*NARWHAL_DATABASE/],
    [['web'], /NARWHAL_BROKER[^]*NARWHAL_DATABASE[^]*NARWHAL_DISPATCHER/],
    [['web', ...shared], /NARWHAL_DISPATCHER/],
    [['up', '--port', '0', '--data', '/dev/null/x'], /\/dev\/null\/x.*--data/],
    [
      ['up', '--port', '0', '--data', data.path, '--database', 'sqlite:/dev/null/y.db'],
      /\/dev\/null/,
    ],
    [['up', '--colour', 'red'], /--colour/],
  ]
  for (const [args, words] of cases) {
    const { code, said } = await runNarwhal(args)
    assert.equal(code, 2, `${args.join(' ')}: ${said}`)
    assert.match(said, words)
    assert.doesNotMatch(said, /\bat .*\.ts:\d+/)
  }
})

test('a second start in the same folder is refused and harms nothing', async () => {
  await using data = await tempDir()
  const args = ['up', '--port', '0', '--executor', 'fake:', '--data', data.path]
  await using first = startNarwhal(args)
  await new Promise<void>((resolve) => {
    first.child.stdout?.on('data', () => first.said().includes('is up') && resolve())
  })
  const { code, said } = await runNarwhal(args)
  assert.notEqual(code, 0)
  assert.match(said, /another runner uses/)
  assert.equal(first.child.exitCode, null)
})

function variableOf(name: string): string {
  return `NARWHAL_${name.replaceAll('-', '_').toUpperCase()}`
}
