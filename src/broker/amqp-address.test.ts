import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { parseAmqpUrl } from './amqp-address.ts'

test('shows an address without its user, password, vhost and options', () => {
  assert.equal(
    parseAmqpUrl('amqp://ann:s3cret@mq.example:5673/ci?x=s3cret').shown,
    'amqp://mq.example:5673',
  )
  assert.equal(parseAmqpUrl('amqp://ann:s3cret@mq.example').shown, 'amqp://mq.example:5672')
  assert.equal(parseAmqpUrl('amqps://[::1]/').shown, 'amqps://[::1]:5671')
})

test('asks for a heartbeat of 10 seconds unless the URL says another', () => {
  assert.equal(parseAmqpUrl('amqp://a:b@h/v').url, 'amqp://a:b@h/v?heartbeat=10')
  assert.equal(parseAmqpUrl('amqp://a:b@h/v?heartbeat=3').url, 'amqp://a:b@h/v?heartbeat=3')
})

test('refuses what is no AMQP URL, without repeating it', () => {
  for (const url of ['', 'rabbit', 'http://a:s3cret@h', 'amqp://', 'amqp://a:s3cret@h:port/']) {
    assert.throws(
      () => parseAmqpUrl(url),
      (error: Error) => /amqp:\/\//.test(error.message) && !inspect(error).includes('s3cret'),
    )
  }
})
