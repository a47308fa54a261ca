/* A Central System as one writes it on npm `ocpp-rpc`, which checks every message against the schemas, and
   better-sqlite3 with `synchronous=FULL`.

       node server.js PORT FILE

   As the one on PyPI `ocpp` beside it: a handler per action, a commit per message, a row per sampled value. */
'use strict';

const { RPCServer } = require('ocpp-rpc');
const Database = require('better-sqlite3');

const TAGS = 1000;
const FIELDS = ['value', 'context', 'format', 'measurand', 'phase', 'location', 'unit'];

const [port, file] = process.argv.slice(2);
const db = new Database(file);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec(`
CREATE TABLE charge_point (id TEXT PRIMARY KEY, vendor TEXT, model TEXT, booted_at TEXT);
CREATE TABLE connector (charge_point TEXT, connector INTEGER, status TEXT, error_code TEXT, at TEXT,
    PRIMARY KEY (charge_point, connector));
CREATE TABLE id_tag (id TEXT PRIMARY KEY, status TEXT NOT NULL);
CREATE TABLE transactions (id INTEGER PRIMARY KEY AUTOINCREMENT, charge_point TEXT, connector INTEGER, id_tag TEXT,
    meter_start INTEGER, started_at TEXT, meter_stop INTEGER, stopped_at TEXT, reason TEXT);
CREATE TABLE sampled_value (id INTEGER PRIMARY KEY, transaction_id INTEGER, charge_point TEXT, connector INTEGER,
    at TEXT, ${FIELDS.map((field) => `${field} TEXT`).join(', ')});
CREATE INDEX sampled_value_of_transaction ON sampled_value (transaction_id);
`);

const insertTag = db.prepare("INSERT INTO id_tag VALUES (?, 'Accepted')");
db.transaction(() => {
  for (let number = 0; number < TAGS; number += 1) insertTag.run(`TAG${String(number).padStart(6, '0')}`);
})();

const selectTag = db.prepare('SELECT status FROM id_tag WHERE id = ?');
const replaceChargePoint = db.prepare('INSERT OR REPLACE INTO charge_point VALUES (?, ?, ?, ?)');
const replaceConnector = db.prepare('INSERT OR REPLACE INTO connector VALUES (?, ?, ?, ?, ?)');
const insertTransaction = db.prepare(
  'INSERT INTO transactions (charge_point, connector, id_tag, meter_start, started_at) VALUES (?, ?, ?, ?, ?)',
);
const endTransaction = db.prepare(
  'UPDATE transactions SET meter_stop = ?, stopped_at = ?, reason = ? WHERE id = ?',
);
const insertSample = db.prepare(
  `INSERT INTO sampled_value (transaction_id, charge_point, connector, at, ${FIELDS.join(', ')})
   VALUES (?, ?, ?, ?, ${FIELDS.map(() => '?').join(', ')})`,
);

const insertMeterValues = db.transaction((identity, { connectorId, transactionId = null, meterValue }) => {
  for (const { timestamp, sampledValue } of meterValue) {
    for (const sample of sampledValue) {
      const fields = FIELDS.map((field) => sample[field] ?? null);
      insertSample.run(transactionId, identity, connectorId, timestamp, ...fields);
    }
  }
});

function idTagInfo(idTag) {
  return { status: selectTag.get(idTag)?.status ?? 'Invalid' };
}

const now = () => new Date().toISOString();

const HANDLERS = {
  BootNotification(identity, { chargePointVendor, chargePointModel }) {
    replaceChargePoint.run(identity, chargePointVendor, chargePointModel, now());
    return { status: 'Accepted', interval: 300, currentTime: now() };
  },
  Heartbeat() {
    return { currentTime: now() };
  },
  StatusNotification(identity, { connectorId, status, errorCode, timestamp = null }) {
    replaceConnector.run(identity, connectorId, status, errorCode, timestamp);
    return {};
  },
  Authorize(identity, { idTag }) {
    return { idTagInfo: idTagInfo(idTag) };
  },
  StartTransaction(identity, { connectorId, idTag, meterStart, timestamp }) {
    const { lastInsertRowid } = insertTransaction.run(identity, connectorId, idTag, meterStart, timestamp);
    return { transactionId: Number(lastInsertRowid), idTagInfo: idTagInfo(idTag) };
  },
  MeterValues(identity, params) {
    insertMeterValues(identity, params);
    return {};
  },
  StopTransaction(identity, { meterStop, timestamp, transactionId, idTag, reason = 'Local' }) {
    endTransaction.run(meterStop, timestamp, reason, transactionId);
    return { idTagInfo: idTagInfo(idTag) };
  },
};

const server = new RPCServer({ protocols: ['ocpp1.6'], strictMode: true });
server.auth((accept) => accept());
server.on('client', (client) => {
  for (const [action, handler] of Object.entries(HANDLERS)) {
    client.handle(action, ({ params }) => handler(client.identity, params));
  }
});
server.listen(Number(port), '127.0.0.1').then(() => console.log('ready'));
