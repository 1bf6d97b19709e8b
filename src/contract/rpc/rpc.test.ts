import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Code, ConnectError } from '@connectrpc/connect'
import { NarwhalError } from '../../lib/errors.ts'
import { fromConnectError, isBrokenLink, toConnectError } from './rpc.ts'

test('what a service throws arrives with its code', () => {
  for (const code of ['stale', 'not_found', 'internal', 'exhausted'] as const) {
    const sent = toConnectError(new NarwhalError(code, 'no'))
    // What comes over a network has no cause.
    assert.equal(fromConnectError(new ConnectError(sent.rawMessage, sent.code)).code, code)
    assert.equal(fromConnectError(sent).code, code)
    assert.equal(isBrokenLink(fromConnectError(sent)), false)
  }
})

test('a connection that broke is unavailable, whatever Connect calls that', () => {
  const broken = (nodeCode: string) => Object.assign(new Error(nodeCode), { code: nodeCode })
  for (const [code, nodeCode] of [
    [Code.Aborted, 'ECONNRESET'],
    [Code.Aborted, 'ERR_STREAM_DESTROYED'],
    [Code.Internal, 'ERR_STREAM_PREMATURE_CLOSE'],
  ] as const) {
    const wrapped = new Error('a proxy of the error', { cause: broken(nodeCode) })
    for (const cause of [broken(nodeCode), wrapped]) {
      const error = new ConnectError(nodeCode, code, undefined, undefined, cause)
      assert.equal(fromConnectError(error).code, 'unavailable', nodeCode)
      assert.equal(isBrokenLink(fromConnectError(error)), true)
    }
  }
})
