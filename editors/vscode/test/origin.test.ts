import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyVariables, originOf } from '../src/shared/origin';

test('an origin is scheme, host and port, whatever stands around them', () => {
  assert.equal(originOf(' https://user:word@API.example.com:443/v1?x=1 '), 'https://api.example.com');
  assert.equal(originOf('http://127.0.0.1:8080/v1'), 'http://127.0.0.1:8080');
});

test('what is no address of the web has no origin', () => {
  for (const each of ['', 'api.example.com', 'file:///etc/passwd', 'javascript:alert(1)'])
    assert.equal(originOf(each), undefined);
});

test('each key is in a variable of its own, bound to its origin', () => {
  const keys = new Map([
    ['https://a.example', 'one'],
    ['https://b.example', 'two'],
  ]);
  assert.deepEqual(keyVariables(keys), {
    ROO_ORIGIN_1_KEY: 'one',
    ROO_ORIGIN_2_KEY: 'two',
    ROO_ORIGIN_KEYS: 'https://a.example=ROO_ORIGIN_1_KEY https://b.example=ROO_ORIGIN_2_KEY',
  });
});

test('without keys nothing is set', () => {
  assert.deepEqual(keyVariables(new Map()), {});
});
