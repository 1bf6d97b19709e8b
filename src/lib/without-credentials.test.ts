import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quoteUrl, withoutCredentials } from './without-credentials.ts'

test('redacts credentials in a text, and leaves the rest', () => {
  const texts = {
    "fatal: unable to access 'https://ada:pw@git.example.com/a.git/': no":
      "fatal: unable to access 'https://***@git.example.com/a.git/': no",
    'GET https://s3.example.com/x?X-Amz-Signature=abc failed':
      'GET https://s3.example.com/x?*** failed',
    'Authorization: Basic YWRhOnB3 was refused': 'Authorization: *** was refused',
    '{"header":{"Authorization":"RemoteAuth a b"},"x":1}': '{"header":{"Authorization":***},"x":1}',
    'private-token=glpat-123, and more': 'private-token=***, and more',
    'Bearer eyJhbGciOiJIUzI1NiJ9.e30.x': 'Bearer ***',
    'git@git.example.com: Permission denied (publickey).':
      'git@git.example.com: Permission denied (publickey).',
    'basic authentication is off': 'basic authentication is off',
  }
  for (const [text, expected] of Object.entries(texts)) {
    assert.equal(withoutCredentials(text), expected)
  }
})

test('quotes an invalid URL without its possible password', () => {
  const urls = {
    'https://ada:pa/ss@host/a': '"https://***@host/a"',
    'https://host/a?token=x': '"https://host/a?***"',
    'https://host/a#token': '"https://host/a?***"',
    'ext::sh -c id': '"ext::sh -c id"',
    'https://ada:p\nw@host/': '"https://***@host/"',
  }
  for (const [url, expected] of Object.entries(urls)) assert.equal(quoteUrl(url), expected)
})
