import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { eventually } from '#root/test/support/eventually.ts'
import { planAddresses } from '../address-range.ts'
import { USUAL_NETWORK } from '../options.ts'
import { Prover } from './prover.ts'

/** A prover whose proofs fail, with what it tells the operator. */
function openProver(stays: boolean) {
  const told: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => told.push(line) })
  let tries = 0
  const table = {
    id: 'ab12cd',
    plan: planAddresses({ slots: 1, warmSandboxes: 0, seed: 1, taken: [] }),
    hasIpv6: false,
    alsoPrivate: [],
    ownAddresses: [],
  }
  const namespaces = {
    make: async () => {
      tries++
      throw new Error(`\`ip -n nwab12cdon${tries} -batch -\` failed: Invalid argument`)
    },
    remove: async () => {},
  }
  const places = {
    reserve: () => {
      throw new Error('there is no engine')
    },
    release: () => {},
  }
  const prover = new Prover({
    table,
    namespaces,
    places,
    options: { settings: USUAL_NETWORK, log, stays },
  })
  return { prover, told, tries: () => tries }
}

test('reports the same trouble once, whatever names each try used', async () => {
  const { prover, told, tries } = openProver(true)
  assert.match(await prover.untilKnown(), /could not be tested: `ip -n nw… -batch -` failed/)
  prover.again()
  await eventually(() => assert.equal(tries(), 2))
  await prover.untilKnown()
  await prover.close()
  assert.equal(told.length, 1)
})

test('of a process that does not stay, only one that goes on is proven, unless somebody waits for it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const short = openProver(false)
  assert.equal(short.prover.trouble, '')
  t.mock.timers.tick(1_999)
  await short.prover.close()
  t.mock.timers.tick(60_000)
  const long = openProver(false)
  assert.equal(long.prover.trouble, '')
  assert.equal(long.tries(), 0)
  t.mock.timers.tick(2_000)
  assert.match(await long.prover.untilKnown(), /could not be tested/)
  const waited = openProver(false)
  assert.match(await waited.prover.untilKnown(), /could not be tested/)
  await Promise.all([long.prover.close(), waited.prover.close()])
  assert.deepEqual([short.tries(), long.tries(), waited.tries()], [0, 1, 1])
})
