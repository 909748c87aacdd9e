// The events that bring orders to the function, as the platform writes them.

const message = ({ type, order, app }) => ({ type, order_no: order, app_id: app });

const kafka = (body, i) => ({ Ckafka: { topic: 'ocr-done', partition: 0, offset: 36 + i, msgKey: 'None', msgBody: body } });

const bridge = (data, i) => ({
  specversion: '1.0', id: 'event' + (i + 1), source: 'shop.example', type: 'shop:ocr:done', subject: '', time: Date.now(),
  region: 'ap-guangzhou', datacontenttype: 'application/json;charset=utf-8', data,
});

const object = ({ type, order }) => ({
  cos: {
    cosSchemaVersion: '1.0', cosNotificationId: 'unkown',
    cosBucket: { region: 'gz', name: 'bucket', appid: '1250000000' },
    cosObject: { key: `/1250000000/bucket/ocr-done/${type}/${order}.json`, size: 2, vid: '' },
  },
  event: { eventName: 'cos:ObjectCreated:Put', eventVersion: '1.0', eventSource: 'qcs::cos', eventTime: Math.floor(Date.now() / 1000) },
});

// What is no order: it is kept aside, and the rest of the batch is delivered.
const malformed = '{"type":"passport"}';

/** kinds are the kinds of event: [name, English, Chinese]. */
export const kinds = [
  ['invoke', 'Invoke, by a backend', '后端直接调用（Invoke）'],
  ['ckafka', 'CKafka, a batch of records', 'CKafka，一批消息'],
  ['eventbridge', 'EventBridge', 'EventBridge'],
  ['cos', 'an object was created in COS', 'COS 新建对象'],
];

/** events returns the events of a kind that name the orders [{type, order, app}]; with bad, a malformed message among them. */
export function events(kind, orders, bad) {
  switch (kind) {
    case 'ckafka': {
      const bodies = orders.map((o) => JSON.stringify(message(o)));
      return [{ Records: (bad ? [...bodies, malformed] : bodies).map(kafka) }];
    }
    case 'eventbridge': {
      const data = [...orders.map(message), ...(bad ? [JSON.parse(malformed)] : [])].map(bridge);
      return [data.length === 1 ? data[0] : { EventList: data }];
    }
    case 'cos':
      return [{ Records: orders.map(object) }];
  }
  return orders.map((o) => ({ action: 'deliver', ...message(o) }));
}
