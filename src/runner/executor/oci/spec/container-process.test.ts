import assert from 'node:assert/strict'
import { test } from 'node:test'
import { argsOf, envOf, folderOf, stopSignalOf } from './container-process.ts'

const image = { entrypoint: ['/entry'], command: ['serve'] }

test('combines entry point and command as Docker does', () => {
  assert.deepEqual(argsOf(image, {}), ['/entry', 'serve'])
  assert.deepEqual(argsOf(image, { command: ['check'] }), ['/entry', 'check'])
  assert.deepEqual(argsOf(image, { entrypoint: ['/bin/sh'] }), ['/bin/sh'])
  assert.deepEqual(argsOf(image, { entrypoint: ['/bin/sh'], command: ['-c', 'true'] }), [
    '/bin/sh',
    '-c',
    'true',
  ])
})

test('has the image’s variables, one’s own over them, and nothing of the runner', () => {
  const parts = { image: ['A=1', 'B=x=y', 'PATH=/opt/bin', 'broken', '=x'], own: { A: '2' } }
  assert.deepEqual(envOf({ ...parts, hostname: 'box', home: '/root' }), [
    'PATH=/opt/bin',
    'HOSTNAME=box',
    'HOME=/root',
    'A=2',
    'B=x=y',
  ])
  const { own } = parts
  assert.ok(envOf({ image: ['HOME=/x'], own, hostname: 'box', home: '/' }).includes('HOME=/x'))
})

test('makes the working folder absolute', () => {
  assert.equal(folderOf(''), '/')
  assert.equal(folderOf('app/../../srv'), '/srv')
  assert.equal(folderOf('/app', '/workspace'), '/workspace')
})

test('reads stop signals in all their spellings', () => {
  const spellings = { SIGQUIT: 3, quit: 3, '3': 3, 'SIGRTMIN+3': 37, RTMIN: 34, '': 15 }
  for (const [word, number] of Object.entries(spellings)) assert.equal(stopSignalOf(word), number)
  for (const word of ['SIGNONSENSE', '0', '65', '-1', 'RTMIN+99', 'toString']) {
    assert.equal(stopSignalOf(word), 15, word)
  }
})
