'use strict';
// Deploys a serverless.yml twice with the framework's own code (tencent-component-toolkit)
// to a cloud that is played here: nothing is sent. Prints what was asked of the cloud, and
// which keys of the file nobody read.
//
//   NODE_PATH=…/node_modules node toolkit.js FILE

const fs = require('fs');
const yaml = require('js-yaml');
const { Capi } = require('@tencent-sdk/capi');
const { Scf } = require('tencent-component-toolkit');

console.log = console.error; // stdout is for the result

// The framework's command line puts ${env:…} in; what is not set falls out when the file
// goes to the platform as JSON.
const resolve = (value) => {
  if (typeof value === 'string') {
    const whole = /^\${env:(\w+)}$/.exec(value);
    return whole ? process.env[whole[1]] : value;
  }
  if (Array.isArray(value)) return value.map(resolve);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, resolve(v)]));
  }
  return value;
};
const child = (path, key, parent) => (Array.isArray(parent) ? `${path}[]` : `${path}.${key}`);

const read = new Set();
const watch = (object, path) =>
  new Proxy(object, {
    get(target, key) {
      const value = target[key];
      if (typeof key !== 'string' || !Object.prototype.hasOwnProperty.call(target, key)) return value;
      const at = child(path, key, target);
      read.add(at);
      return value && typeof value === 'object' ? watch(value, at) : value;
    },
  });
const paths = (value, path, found = new Set()) => {
  if (value && typeof value === 'object') {
    for (const key of Object.keys(value)) {
      const at = child(path, key, value);
      found.add(at);
      paths(value[key], at, found);
    }
  }
  return found;
};

// The cloud: one function and its triggers, as the API shows them.
let created;
const triggers = [];
let requests = [];
const answers = {
  GetFunction: () =>
    created
      ? { ...created, Status: 'Active', Qualifier: '$LATEST', StatusReasons: [] }
      : { Error: { Code: 'ResourceNotFound.Function', Message: 'no such function' } },
  CreateFunction: (r) => {
    created = r;
    return {};
  },
  ListTriggers: (r) => {
    const wanted = (r.Filters || []).every(({ Name, Values }) => Values.every((v) => v && Name));
    const found = triggers.filter((t) => (r.Filters || []).every(({ Name, Values }) => Values.includes(t[Name])));
    return wanted ? { Triggers: found, TotalCount: found.length } : { Error: { Code: 'InvalidParameterValue', Message: 'a filter without a value' } };
  },
  CreateTrigger: (r) => {
    const shown = { ...r, Enable: r.Enable === 'OPEN' ? 1 : 0 };
    if (r.Type === 'timer') {
      shown.TriggerDesc = JSON.stringify({ cron: r.TriggerDesc });
      shown.CustomArgument = r.CustomArgument || '';
    }
    triggers.push(shown);
    return { TriggerInfo: { ...shown } };
  },
};
Capi.prototype.request = async function request(data) {
  const { Action, Version, ...rest } = data;
  if (!/^(Get|List)/.test(Action)) requests.push({ Action, ...rest });
  const answer = answers[Action] ? answers[Action](rest) : {};
  return { Response: { RequestId: 'fake', ...answer } };
};

(async () => {
  const file = JSON.parse(JSON.stringify(resolve(yaml.load(fs.readFileSync(process.argv[2], 'utf8')))));
  const { inputs } = file;
  const scf = new Scf({ SecretId: 'fake', SecretKey: 'fake', AppId: 'fake' }, inputs.region);
  const runs = [];
  for (let i = 0; i < 2; i++) {
    requests = [];
    await scf.deploy(watch(JSON.parse(JSON.stringify(inputs)), 'inputs'));
    runs.push(requests);
  }
  const unread = [...paths(inputs, 'inputs')].filter((p) => !read.has(p)).sort();
  process.stdout.write(JSON.stringify({ file, runs, unread }, null, 1));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
