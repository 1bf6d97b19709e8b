import assert from 'node:assert/strict'
import { test } from 'node:test'
import { urlFromHere } from './url-from-here.ts'

test('a server on all addresses is reached through loopback, in the same protocol', () => {
  assert.equal(urlFromHere('http://0.0.0.0:8080'), 'http://127.0.0.1:8080')
  assert.equal(urlFromHere('https://0.0.0.0'), 'https://127.0.0.1')
  assert.equal(urlFromHere('http://[::]:8080/below'), 'http://127.0.0.1:8080/below')
  assert.equal(urlFromHere('https://[::]/'), 'https://127.0.0.1/')
  for (const url of [
    'http://127.0.0.1:8080',
    'http://[::1]:8080',
    'http://[::ffff:10.0.0.1]:8080',
    'http://10.0.0.0:8080',
    'https://0.0.0.0.example.com',
    'https://ci.example.com/0.0.0.0',
  ]) {
    assert.equal(urlFromHere(url), url)
  }
})
