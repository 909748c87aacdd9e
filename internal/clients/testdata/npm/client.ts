// A program with the types of openapi.yaml, as openapi-typescript writes them.
import assert from 'node:assert/strict'
import createClient from 'openapi-fetch'
import type { paths } from './api.js'

const relay = createClient<paths>({
  baseUrl: process.env['RELAY'] ?? '',
  headers: { Authorization: `Bearer ${process.env['TOKEN']}` },
})
const order = (order_no: string) => ({ params: { path: { type: 'bankcard' as const, order_no } } })

const started = await relay.POST('/start/ocr', { body: { user_id: 'user1', order_no: 'typescript1' } })
assert.ok(started.data, JSON.stringify(started.error))
assert.equal(started.data.sign.length, 40)

const card = await relay.GET('/ocr/{type}/{order_no}', order('order1'))
assert.ok(card.data, JSON.stringify(card.error))
assert.equal(card.data.code, '0')
assert.equal(card.data.result?.['orderNo'], 'order1')

const missing = await relay.GET('/ocr/{type}/{order_no}', order('notfound1'))
assert.equal(missing.response.status, 404)
assert.equal(missing.error?.code, '66660020')

const photo = await relay.GET('/ocr/{type}/{order_no}/photos/{name}', {
  params: { path: { type: 'bankcard', order_no: 'order1', name: 'bankcardCropPhoto' } },
  parseAs: 'arrayBuffer',
})
assert.ok(photo.data && photo.data.byteLength > 1000)

const checked = await relay.POST('/check', { body: { flow: 'ocr', order_no: 'typescript1', sign: '0'.repeat(40) } })
assert.deepEqual(checked.data, { valid: false })
