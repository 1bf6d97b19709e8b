import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exposedPorts, planForwards } from './forwards.ts'

const tcp = (port: number) => ({ port, protocol: 'tcp' as const })

test('localhost leads to a port that one service has, and to none that several have', () => {
  const { forwards, notes } = planForwards([
    { name: 'db', ports: [tcp(5432), tcp(8080)] },
    { name: 'web', ports: [tcp(8080)] },
    { name: 'names', ports: [{ port: 53, protocol: 'udp' }, tcp(53)] },
  ])
  assert.deepEqual(forwards, [
    { ...tcp(5432), service: 'db' },
    { port: 53, protocol: 'udp', service: 'names' },
    { ...tcp(53), service: 'names' },
  ])
  assert.deepEqual(notes, [
    'localhost leads to services: 5432 (db), 53/udp (names), 53 (names)',
    'several services have the same port, and are reached by name only: 8080 (db, web)',
  ])
})

test('a port that a service names twice is its own all the same', () => {
  const { forwards, notes } = planForwards([{ name: 'db', ports: [tcp(5432), tcp(5432)] }])
  assert.deepEqual(forwards, [{ ...tcp(5432), service: 'db' }])
  assert.deepEqual(notes, ['localhost leads to services: 5432 (db)'])
  assert.deepEqual(planForwards([{ name: 'db', ports: [] }]), { forwards: [], notes: [] })
})

test('reads the ports that an image exposes, and leaves out what is none', () => {
  const exposed = ['5432/tcp', '53/udp', '80', '9/sctp', '0/tcp', '70000/tcp', '1-2/tcp', '; x']
  assert.deepEqual(exposedPorts(exposed), [tcp(5432), { port: 53, protocol: 'udp' }, tcp(80)])
})
