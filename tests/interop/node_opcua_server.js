// An OPC UA server by others (npm node-opcua), told what to do by lines of JSON on standard input.
//
//   node node_opcua_server.js PORT FOLDER
//
// It prints {"ready": true} once, then one line for each request: {"give": [name, value, status?]} sets a variable as
// the device would, {"present": name} asks for one.  FOLDER is where it keeps the certificate that it makes for itself.
"use strict";
const path = require("node:path");
const readline = require("node:readline");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { MessageSecurityMode, SecurityPolicy } = require("node-opcua-secure-channel");
const { OPCUAServer } = require("node-opcua-server");
const { StatusCodes } = require("node-opcua-status-code");
const { DataType } = require("node-opcua-variant");

const [port, folder] = [Number(process.argv[2]), process.argv[3]];
const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");

async function main() {
  const server = new OPCUAServer({
    port,
    hostname: "127.0.0.1",
    resourcePath: "/plant",
    securityModes: [MessageSecurityMode.None],
    securityPolicies: [SecurityPolicy.None],
    serverCertificateManager: new OPCUACertificateManager({
      rootFolder: path.join(folder, "pki"), automaticallyAcceptUnknownCertificate: true,
    }),
    certificateFile: path.join(folder, "certificate.pem"),
  });
  await server.initialize();

  const own = server.engine.addressSpace.registerNamespace("urn:test:plant");
  const plant = own.addObject({ organizedBy: server.engine.addressSpace.rootFolder.objects, browseName: "Plant" });
  const variables = new Map();
  const add = (name, dataType, value, writable) => {
    const variable = own.addVariable({
      componentOf: plant,
      browseName: name,
      nodeId: `s=${name}`,
      dataType,
      minimumSamplingInterval: 0,
      accessLevel: writable ? "CurrentRead | CurrentWrite" : "CurrentRead",
      userAccessLevel: writable ? "CurrentRead | CurrentWrite" : "CurrentRead",
    });
    variable.setValueFromSource({ dataType, value });
    variables.set(name, { variable, dataType });
  };
  add("Temperature", DataType.Double, 0, false);
  add("Setpoint", DataType.Double, 20, true);
  add("Mode", DataType.Int16, 2, true);
  add("Running", DataType.Boolean, true, true);
  add("Label", DataType.String, "idle", true);
  add("Speed", DataType.Float, 0.5, false);
  await server.start();

  readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const request = JSON.parse(line);
    if (request.give) {
      const [name, value, status] = request.give;
      const { variable, dataType } = variables.get(name);
      variable.setValueFromSource({ dataType, value }, StatusCodes[status || "Good"]);
      say({ given: name });
    } else {
      say({ value: variables.get(request.present).variable.readValue().value.value });
    }
  }).on("close", () => process.exit(0));
  say({ ready: true, namespace: own.index });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
