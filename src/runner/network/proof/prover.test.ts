import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { eventually } from '#root/test/support/eventually.ts'
import { planAddresses } from '../address-range.ts'
import { USUAL_NETWORK } from '../options.ts'
import { Prover } from './prover.ts'

test('reports the same trouble once, whatever names each try used', async () => {
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
    options: { settings: USUAL_NETWORK, log, stays: true },
  })
  assert.match(await prover.untilKnown(), /could not be tested: `ip -n nw… -batch -` failed/)
  prover.again()
  await eventually(() => assert.equal(tries, 2))
  await prover.untilKnown()
  await prover.close()
  assert.equal(told.length, 1)
})
