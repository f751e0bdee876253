// Generated from schemas/ by scripts/build-schemas.mjs. Do not edit.
// @ts-nocheck
export const validateMachine = validate10;
const schema11 = {"$schema":"http://json-schema.org/draft-07/schema#","$id":"https://unpkg.com/flatmachine/schemas/flatmachine.schema.json","type":"object","required":["spec","data"],"additionalProperties":false,"properties":{"$schema":{"type":"string"},"spec":{"const":"flatmachine"},"spec_version":{"type":"string"},"data":{"$ref":"#/definitions/data"},"metadata":{"type":"object"}},"definitions":{"data":{"type":"object","required":["states"],"additionalProperties":false,"properties":{"name":{"type":"string"},"expression_engine":{"enum":["simple","cel"]},"context":{"type":"object"},"agents":{"type":"object","additionalProperties":{"$ref":"#/definitions/agent"}},"machines":{"type":"object","additionalProperties":{"$ref":"#/definitions/child"}},"states":{"type":"object","additionalProperties":{"$ref":"#/definitions/state"}},"settings":{"$ref":"#/definitions/settings"},"persistence":{"$ref":"#/definitions/persistence"},"hooks":{"$ref":"#/definitions/hooks"},"lifecycle_hooks":{"$ref":"#/definitions/hooks"},"profiles":{"type":["string","object"]}}},"state":{"type":"object","additionalProperties":false,"properties":{"type":{"enum":["initial","final"]},"description":{"type":"string"},"action":{"type":"string"},"agent":{"type":"string"},"execution":{"$ref":"#/definitions/execution"},"sampling":{"enum":["single","multi"]},"session_id":{"type":"string"},"tool_loop":{"$ref":"#/definitions/toolLoop"},"machine":{"type":["string","array"],"x-expected":"the name of a machine, or a list of names or of {name, input}","minItems":1,"items":{"type":["string","object"],"x-expected":"the name of a machine or {name, input}","required":["name"],"additionalProperties":false,"properties":{"name":{"type":"string"},"input":{"$ref":"#/definitions/mapping"}}}},"foreach":{"type":["string","array"]},"as":{"type":"string","pattern":"^[A-Za-z_][A-Za-z0-9_]*$","x-expected":"a name made of letters, digits and _"},"key":{"type":"string"},"max_concurrency":{"type":"integer","minimum":1},"mode":{"enum":["settled","any"]},"launch":{"type":["string","array"],"x-expected":"the name of a machine or a list of names","minItems":1,"items":{"type":"string"}},"launch_input":{"$ref":"#/definitions/mapping"},"wait_for":{"type":"string"},"timeout":{"type":"number"},"input":{"$ref":"#/definitions/mapping"},"output_to_context":{"type":"object"},"output":{"$ref":"#/definitions/mapping"},"on_error":{"type":["string","object"],"x-expected":"the name of a state, or a map from error type to state","additionalProperties":{"type":"string","x-expected":"the name of a state"}},"transitions":{"type":"array","items":{"$ref":"#/definitions/transition"}},"hooks":{"$ref":"#/definitions/hooks"}}},"transition":{"type":"object","required":["to"],"additionalProperties":false,"properties":{"condition":{"type":["string","boolean"],"x-expected":"an expression, true or false"},"to":{"type":"string","x-expected":"the name of a state"}}},"mapping":{"type":["object","string"],"x-expected":"a map, or a path to one such as `context.task`"},"agent":{"type":["string","object"],"x-expected":"the path of a flatagent file, an inline flatagent, or {type, ref, config}","if":{"type":"object","required":["spec"]},"then":{"$ref":"flatagent.schema.json"},"else":{"required":["type"],"additionalProperties":false,"properties":{"type":{"type":"string"},"ref":{"type":"string"},"config":{"type":"object"}}}},"child":{"type":["string","object"],"x-expected":"the path of a machine file, or an inline machine","additionalProperties":false,"properties":{"spec":{"const":"flatmachine"},"spec_version":{"type":"string"},"data":{"$ref":"#/definitions/data"},"metadata":{"type":"object"},"path":{"type":"string"},"inline":{"$ref":"#"}}},"execution":{"type":"object","properties":{"type":{"type":"string"},"backoffs":{"type":"array","items":{"type":"number","minimum":0}},"jitter":{"type":"number","minimum":0,"maximum":1},"retry_on_empty":{"type":"boolean"},"n_samples":{"type":"integer","minimum":1},"k_margin":{"type":"integer","minimum":1},"max_candidates":{"type":"integer","minimum":1},"max_response_tokens":{"type":"integer","minimum":1}}},"toolLoop":{"type":["boolean","object"],"x-expected":"true, false, or a map of bounds","additionalProperties":false,"properties":{"max_turns":{"type":"integer","minimum":0},"max_tool_calls":{"type":"integer","minimum":0},"tool_timeout":{"type":"number","minimum":0},"total_timeout":{"type":"number","minimum":0},"max_cost":{"type":"number","minimum":0},"allowed_tools":{"type":"array","items":{"type":"string"}},"denied_tools":{"type":"array","items":{"type":"string"}}}},"settings":{"type":"object","additionalProperties":false,"properties":{"max_steps":{"type":"integer","minimum":1},"max_depth":{"type":"integer","minimum":0},"max_concurrency":{"type":"integer","minimum":1},"max_agent_calls":{"type":"integer","minimum":0},"max_cost":{"type":"number","minimum":0},"heartbeat_interval":{"type":"number","exclusiveMinimum":0},"parallel_fallback":{"enum":["sequential","error"]},"templates":{"enum":["native","text"]},"backends":{"$ref":"#/definitions/backends"},"profiles":{"type":"string"}}},"backends":{"type":"object","additionalProperties":false,"properties":{"persistence":{"type":"string"},"locking":{"type":"string"},"results":{"type":"string"},"registration":{"type":"string"},"work":{"type":"string"},"signals":{"type":"string"},"sqlite_path":{"type":"string"},"durability":{"enum":["power-loss","process-crash"]}}},"persistence":{"type":"object","additionalProperties":false,"properties":{"enabled":{"type":"boolean"},"backend":{"type":"string"},"db_path":{"type":"string"},"checkpoint_on":{"type":"array","items":{"enum":["machine_start","state_enter","execute","state_exit","machine_end","waiting","tool_call"]}},"keep":{"type":["integer","string"],"minimum":1,"pattern":"^all$","x-expected":"a number of steps from 1 on, or `all`"}}},"hooks":{"type":["string","object","array"],"x-expected":"a hook's name, {name, args}, {file or module, class, args}, or a list of these","additionalProperties":false,"properties":{"name":{"type":"string"},"file":{"type":"string"},"module":{"type":"string"},"class":{"type":"string"},"args":{"type":"object"}},"items":{"type":["string","object"],"x-expected":"a hook's name, {name, args} or {file or module, class, args}","additionalProperties":false,"properties":{"name":{"type":"string"},"file":{"type":"string"},"module":{"type":"string"},"class":{"type":"string"},"args":{"type":"object"}}}}}};
const func0 = Object.prototype.hasOwnProperty;
const schema12 = {"type":"object","required":["states"],"additionalProperties":false,"properties":{"name":{"type":"string"},"expression_engine":{"enum":["simple","cel"]},"context":{"type":"object"},"agents":{"type":"object","additionalProperties":{"$ref":"#/definitions/agent"}},"machines":{"type":"object","additionalProperties":{"$ref":"#/definitions/child"}},"states":{"type":"object","additionalProperties":{"$ref":"#/definitions/state"}},"settings":{"$ref":"#/definitions/settings"},"persistence":{"$ref":"#/definitions/persistence"},"hooks":{"$ref":"#/definitions/hooks"},"lifecycle_hooks":{"$ref":"#/definitions/hooks"},"profiles":{"type":["string","object"]}}};
const schema29 = {"type":"object","additionalProperties":false,"properties":{"enabled":{"type":"boolean"},"backend":{"type":"string"},"db_path":{"type":"string"},"checkpoint_on":{"type":"array","items":{"enum":["machine_start","state_enter","execute","state_exit","machine_end","waiting","tool_call"]}},"keep":{"type":["integer","string"],"minimum":1,"pattern":"^all$","x-expected":"a number of steps from 1 on, or `all`"}}};
const schema26 = {"type":["string","object","array"],"x-expected":"a hook's name, {name, args}, {file or module, class, args}, or a list of these","additionalProperties":false,"properties":{"name":{"type":"string"},"file":{"type":"string"},"module":{"type":"string"},"class":{"type":"string"},"args":{"type":"object"}},"items":{"type":["string","object"],"x-expected":"a hook's name, {name, args} or {file or module, class, args}","additionalProperties":false,"properties":{"name":{"type":"string"},"file":{"type":"string"},"module":{"type":"string"},"class":{"type":"string"},"args":{"type":"object"}}}};
const schema13 = {"type":["string","object"],"x-expected":"the path of a flatagent file, an inline flatagent, or {type, ref, config}","if":{"type":"object","required":["spec"]},"then":{"$ref":"flatagent.schema.json"},"else":{"required":["type"],"additionalProperties":false,"properties":{"type":{"type":"string"},"ref":{"type":"string"},"config":{"type":"object"}}}};
const schema14 = {"$schema":"http://json-schema.org/draft-07/schema#","$id":"https://unpkg.com/flatmachine/schemas/flatagent.schema.json","type":"object","required":["spec","data"],"additionalProperties":false,"properties":{"$schema":{"type":"string"},"spec":{"enum":["flatagent","flatagents"]},"spec_version":{"type":"string"},"data":{"type":"object","additionalProperties":false,"properties":{"name":{"type":"string"},"model":{"type":["string","object"],"x-expected":"the name of a profile, {profile, …} or a model","properties":{"profile":{"type":"string"},"name":{"type":"string"},"provider":{"type":"string"},"temperature":{"type":"number"},"max_tokens":{"type":"integer","minimum":1},"top_p":{"type":"number"},"base_url":{"type":"string"}}},"profile":{"type":["string","object"]},"prompt":{"type":["string","object"]},"system":{"type":"string"},"user":{"type":"string"},"instruction_suffix":{"type":"string"},"output":{"type":"object","additionalProperties":{"$ref":"#/definitions/field"}},"mcp":{"$ref":"#/definitions/mcp"},"tools":{"type":"array","items":{"type":"object"}}}},"metadata":{"type":"object"}},"definitions":{"field":{"type":"object","required":["type"],"additionalProperties":false,"properties":{"type":{"enum":["str","int","float","bool","json","list","object"]},"description":{"type":"string"},"enum":{"type":"array","items":{"type":"string"}},"required":{"type":"boolean"},"items":{"$ref":"#/definitions/field"},"properties":{"type":"object","additionalProperties":{"$ref":"#/definitions/field"}}}},"mcp":{"type":"object","required":["servers"],"additionalProperties":false,"properties":{"servers":{"type":"object","additionalProperties":{"type":"object","additionalProperties":false,"properties":{"command":{"type":"string"},"args":{"type":"array","items":{"type":"string"}},"env":{"type":"object","additionalProperties":{"type":"string"}},"server_url":{"type":"string"},"headers":{"type":"object","additionalProperties":{"type":"string"}},"timeout":{"type":"number","exclusiveMinimum":0}}}},"tool_filter":{"type":"object","additionalProperties":false,"properties":{"allow":{"type":"array","items":{"type":"string"}},"deny":{"type":"array","items":{"type":"string"}}}},"tool_prompt":{"type":"string"}}}}};
const schema16 = {"type":"object","required":["servers"],"additionalProperties":false,"properties":{"servers":{"type":"object","additionalProperties":{"type":"object","additionalProperties":false,"properties":{"command":{"type":"string"},"args":{"type":"array","items":{"type":"string"}},"env":{"type":"object","additionalProperties":{"type":"string"}},"server_url":{"type":"string"},"headers":{"type":"object","additionalProperties":{"type":"string"}},"timeout":{"type":"number","exclusiveMinimum":0}}}},"tool_filter":{"type":"object","additionalProperties":false,"properties":{"allow":{"type":"array","items":{"type":"string"}},"deny":{"type":"array","items":{"type":"string"}}}},"tool_prompt":{"type":"string"}}};
const schema15 = {"type":"object","required":["type"],"additionalProperties":false,"properties":{"type":{"enum":["str","int","float","bool","json","list","object"]},"description":{"type":"string"},"enum":{"type":"array","items":{"type":"string"}},"required":{"type":"boolean"},"items":{"$ref":"#/definitions/field"},"properties":{"type":"object","additionalProperties":{"$ref":"#/definitions/field"}}}};
const wrapper0 = {validate: validate14};

function validate14(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if((data.type === undefined) || (!(func0.call(data, "type")))){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "type"},schema:schema15.required,parentSchema:schema15,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
for(const key0 of Object.keys(data)){
if(!((((((key0 === "type") || (key0 === "description")) || (key0 === "enum")) || (key0 === "required")) || (key0 === "items")) || (key0 === "properties"))){
const err1 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},schema:false,parentSchema:schema15,data};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
}
if(data.type !== undefined && func0.call(data, "type")){
let data0 = data.type;
if(!(((((((data0 === "str") || (data0 === "int")) || (data0 === "float")) || (data0 === "bool")) || (data0 === "json")) || (data0 === "list")) || (data0 === "object"))){
const err2 = {instancePath:instancePath+"/type",schemaPath:"#/properties/type/enum",keyword:"enum",params:{allowedValues: schema15.properties.type.enum},schema:schema15.properties.type.enum,parentSchema:schema15.properties.type,data:data0};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
if(data.description !== undefined && func0.call(data, "description")){
let data1 = data.description;
if(typeof data1 !== "string"){
const err3 = {instancePath:instancePath+"/description",schemaPath:"#/properties/description/type",keyword:"type",params:{type: "string"},schema:schema15.properties.description.type,parentSchema:schema15.properties.description,data:data1};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
}
if(data.enum !== undefined && func0.call(data, "enum")){
let data2 = data.enum;
if(Array.isArray(data2)){
const len0 = data2.length;
for(let i0=0; i0<len0; i0++){
let data3 = data2[i0];
if(typeof data3 !== "string"){
const err4 = {instancePath:instancePath+"/enum/" + i0,schemaPath:"#/properties/enum/items/type",keyword:"type",params:{type: "string"},schema:schema15.properties.enum.items.type,parentSchema:schema15.properties.enum.items,data:data3};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
}
else {
const err5 = {instancePath:instancePath+"/enum",schemaPath:"#/properties/enum/type",keyword:"type",params:{type: "array"},schema:schema15.properties.enum.type,parentSchema:schema15.properties.enum,data:data2};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
}
if(data.required !== undefined && func0.call(data, "required")){
let data4 = data.required;
if(typeof data4 !== "boolean"){
const err6 = {instancePath:instancePath+"/required",schemaPath:"#/properties/required/type",keyword:"type",params:{type: "boolean"},schema:schema15.properties.required.type,parentSchema:schema15.properties.required,data:data4};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
if(data.items !== undefined && func0.call(data, "items")){
if(!(wrapper0.validate(data.items, {instancePath:instancePath+"/items",parentData:data,parentDataProperty:"items",rootData}))){
vErrors = vErrors === null ? wrapper0.validate.errors : vErrors.concat(wrapper0.validate.errors);
errors = vErrors.length;
}
}
if(data.properties !== undefined && func0.call(data, "properties")){
let data6 = data.properties;
if(data6 && typeof data6 == "object" && !Array.isArray(data6)){
for(const key1 of Object.keys(data6)){
if(!(wrapper0.validate(data6[key1], {instancePath:instancePath+"/properties/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data6,parentDataProperty:key1,rootData}))){
vErrors = vErrors === null ? wrapper0.validate.errors : vErrors.concat(wrapper0.validate.errors);
errors = vErrors.length;
}
}
}
else {
const err7 = {instancePath:instancePath+"/properties",schemaPath:"#/properties/properties/type",keyword:"type",params:{type: "object"},schema:schema15.properties.properties.type,parentSchema:schema15.properties.properties,data:data6};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
}
}
else {
const err8 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},schema:schema15.type,parentSchema:schema15,data};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
validate14.errors = vErrors;
return errors === 0;
}


function validate13(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
/*# sourceURL="https://unpkg.com/flatmachine/schemas/flatagent.schema.json" */;
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if((data.spec === undefined) || (!(func0.call(data, "spec")))){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "spec"},schema:schema14.required,parentSchema:schema14,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
if((data.data === undefined) || (!(func0.call(data, "data")))){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "data"},schema:schema14.required,parentSchema:schema14,data};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
for(const key0 of Object.keys(data)){
if(!(((((key0 === "$schema") || (key0 === "spec")) || (key0 === "spec_version")) || (key0 === "data")) || (key0 === "metadata"))){
const err2 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},schema:false,parentSchema:schema14,data};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
if(data.$schema !== undefined && func0.call(data, "$schema")){
let data0 = data.$schema;
if(typeof data0 !== "string"){
const err3 = {instancePath:instancePath+"/$schema",schemaPath:"#/properties/%24schema/type",keyword:"type",params:{type: "string"},schema:schema14.properties.$schema.type,parentSchema:schema14.properties.$schema,data:data0};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
}
if(data.spec !== undefined && func0.call(data, "spec")){
let data1 = data.spec;
if(!((data1 === "flatagent") || (data1 === "flatagents"))){
const err4 = {instancePath:instancePath+"/spec",schemaPath:"#/properties/spec/enum",keyword:"enum",params:{allowedValues: schema14.properties.spec.enum},schema:schema14.properties.spec.enum,parentSchema:schema14.properties.spec,data:data1};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
if(data.spec_version !== undefined && func0.call(data, "spec_version")){
let data2 = data.spec_version;
if(typeof data2 !== "string"){
const err5 = {instancePath:instancePath+"/spec_version",schemaPath:"#/properties/spec_version/type",keyword:"type",params:{type: "string"},schema:schema14.properties.spec_version.type,parentSchema:schema14.properties.spec_version,data:data2};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
}
if(data.data !== undefined && func0.call(data, "data")){
let data3 = data.data;
if(data3 && typeof data3 == "object" && !Array.isArray(data3)){
for(const key1 of Object.keys(data3)){
if(!(func0.call(schema14.properties.data.properties, key1))){
const err6 = {instancePath:instancePath+"/data",schemaPath:"#/properties/data/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1},schema:false,parentSchema:schema14.properties.data,data:data3};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
if(data3.name !== undefined && func0.call(data3, "name")){
let data4 = data3.name;
if(typeof data4 !== "string"){
const err7 = {instancePath:instancePath+"/data/name",schemaPath:"#/properties/data/properties/name/type",keyword:"type",params:{type: "string"},schema:schema14.properties.data.properties.name.type,parentSchema:schema14.properties.data.properties.name,data:data4};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
}
if(data3.model !== undefined && func0.call(data3, "model")){
let data5 = data3.model;
if((typeof data5 !== "string") && (!(data5 && typeof data5 == "object" && !Array.isArray(data5)))){
const err8 = {instancePath:instancePath+"/data/model",schemaPath:"#/properties/data/properties/model/type",keyword:"type",params:{type: schema14.properties.data.properties.model.type},schema:schema14.properties.data.properties.model.type,parentSchema:schema14.properties.data.properties.model,data:data5};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
if(data5 && typeof data5 == "object" && !Array.isArray(data5)){
if(data5.profile !== undefined && func0.call(data5, "profile")){
let data6 = data5.profile;
if(typeof data6 !== "string"){
const err9 = {instancePath:instancePath+"/data/model/profile",schemaPath:"#/properties/data/properties/model/properties/profile/type",keyword:"type",params:{type: "string"},schema:schema14.properties.data.properties.model.properties.profile.type,parentSchema:schema14.properties.data.properties.model.properties.profile,data:data6};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
}
if(data5.name !== undefined && func0.call(data5, "name")){
let data7 = data5.name;
if(typeof data7 !== "string"){
const err10 = {instancePath:instancePath+"/data/model/name",schemaPath:"#/properties/data/properties/model/properties/name/type",keyword:"type",params:{type: "string"},schema:schema14.properties.data.properties.model.properties.name.type,parentSchema:schema14.properties.data.properties.model.properties.name,data:data7};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
}
if(data5.provider !== undefined && func0.call(data5, "provider")){
let data8 = data5.provider;
if(typeof data8 !== "string"){
const err11 = {instancePath:instancePath+"/data/model/provider",schemaPath:"#/properties/data/properties/model/properties/provider/type",keyword:"type",params:{type: "string"},schema:schema14.properties.data.properties.model.properties.provider.type,parentSchema:schema14.properties.data.properties.model.properties.provider,data:data8};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
}
if(data5.temperature !== undefined && func0.call(data5, "temperature")){
let data9 = data5.temperature;
if(!((typeof data9 == "number") && (isFinite(data9)))){
const err12 = {instancePath:instancePath+"/data/model/temperature",schemaPath:"#/properties/data/properties/model/properties/temperature/type",keyword:"type",params:{type: "number"},schema:schema14.properties.data.properties.model.properties.temperature.type,parentSchema:schema14.properties.data.properties.model.properties.temperature,data:data9};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
}
if(data5.max_tokens !== undefined && func0.call(data5, "max_tokens")){
let data10 = data5.max_tokens;
if(!(((typeof data10 == "number") && (!(data10 % 1) && !isNaN(data10))) && (isFinite(data10)))){
const err13 = {instancePath:instancePath+"/data/model/max_tokens",schemaPath:"#/properties/data/properties/model/properties/max_tokens/type",keyword:"type",params:{type: "integer"},schema:schema14.properties.data.properties.model.properties.max_tokens.type,parentSchema:schema14.properties.data.properties.model.properties.max_tokens,data:data10};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
if((typeof data10 == "number") && (isFinite(data10))){
if(data10 < 1 || isNaN(data10)){
const err14 = {instancePath:instancePath+"/data/model/max_tokens",schemaPath:"#/properties/data/properties/model/properties/max_tokens/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},schema:1,parentSchema:schema14.properties.data.properties.model.properties.max_tokens,data:data10};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
}
}
if(data5.top_p !== undefined && func0.call(data5, "top_p")){
let data11 = data5.top_p;
if(!((typeof data11 == "number") && (isFinite(data11)))){
const err15 = {instancePath:instancePath+"/data/model/top_p",schemaPath:"#/properties/data/properties/model/properties/top_p/type",keyword:"type",params:{type: "number"},schema:schema14.properties.data.properties.model.properties.top_p.type,parentSchema:schema14.properties.data.properties.model.properties.top_p,data:data11};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
}
if(data5.base_url !== undefined && func0.call(data5, "base_url")){
let data12 = data5.base_url;
if(typeof data12 !== "string"){
const err16 = {instancePath:instancePath+"/data/model/base_url",schemaPath:"#/properties/data/properties/model/properties/base_url/type",keyword:"type",params:{type: "string"},schema:schema14.properties.data.properties.model.properties.base_url.type,parentSchema:schema14.properties.data.properties.model.properties.base_url,data:data12};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
}
}
}
if(data3.profile !== undefined && func0.call(data3, "profile")){
let data13 = data3.profile;
if((typeof data13 !== "string") && (!(data13 && typeof data13 == "object" && !Array.isArray(data13)))){
const err17 = {instancePath:instancePath+"/data/profile",schemaPath:"#/properties/data/properties/profile/type",keyword:"type",params:{type: schema14.properties.data.properties.profile.type},schema:schema14.properties.data.properties.profile.type,parentSchema:schema14.properties.data.properties.profile,data:data13};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
}
if(data3.prompt !== undefined && func0.call(data3, "prompt")){
let data14 = data3.prompt;
if((typeof data14 !== "string") && (!(data14 && typeof data14 == "object" && !Array.isArray(data14)))){
const err18 = {instancePath:instancePath+"/data/prompt",schemaPath:"#/properties/data/properties/prompt/type",keyword:"type",params:{type: schema14.properties.data.properties.prompt.type},schema:schema14.properties.data.properties.prompt.type,parentSchema:schema14.properties.data.properties.prompt,data:data14};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
}
if(data3.system !== undefined && func0.call(data3, "system")){
let data15 = data3.system;
if(typeof data15 !== "string"){
const err19 = {instancePath:instancePath+"/data/system",schemaPath:"#/properties/data/properties/system/type",keyword:"type",params:{type: "string"},schema:schema14.properties.data.properties.system.type,parentSchema:schema14.properties.data.properties.system,data:data15};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
}
if(data3.user !== undefined && func0.call(data3, "user")){
let data16 = data3.user;
if(typeof data16 !== "string"){
const err20 = {instancePath:instancePath+"/data/user",schemaPath:"#/properties/data/properties/user/type",keyword:"type",params:{type: "string"},schema:schema14.properties.data.properties.user.type,parentSchema:schema14.properties.data.properties.user,data:data16};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
}
if(data3.instruction_suffix !== undefined && func0.call(data3, "instruction_suffix")){
let data17 = data3.instruction_suffix;
if(typeof data17 !== "string"){
const err21 = {instancePath:instancePath+"/data/instruction_suffix",schemaPath:"#/properties/data/properties/instruction_suffix/type",keyword:"type",params:{type: "string"},schema:schema14.properties.data.properties.instruction_suffix.type,parentSchema:schema14.properties.data.properties.instruction_suffix,data:data17};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
}
if(data3.output !== undefined && func0.call(data3, "output")){
let data18 = data3.output;
if(data18 && typeof data18 == "object" && !Array.isArray(data18)){
for(const key2 of Object.keys(data18)){
if(!(validate14(data18[key2], {instancePath:instancePath+"/data/output/" + key2.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data18,parentDataProperty:key2,rootData}))){
vErrors = vErrors === null ? validate14.errors : vErrors.concat(validate14.errors);
errors = vErrors.length;
}
}
}
else {
const err22 = {instancePath:instancePath+"/data/output",schemaPath:"#/properties/data/properties/output/type",keyword:"type",params:{type: "object"},schema:schema14.properties.data.properties.output.type,parentSchema:schema14.properties.data.properties.output,data:data18};
if(vErrors === null){
vErrors = [err22];
}
else {
vErrors.push(err22);
}
errors++;
}
}
if(data3.mcp !== undefined && func0.call(data3, "mcp")){
let data20 = data3.mcp;
if(data20 && typeof data20 == "object" && !Array.isArray(data20)){
if((data20.servers === undefined) || (!(func0.call(data20, "servers")))){
const err23 = {instancePath:instancePath+"/data/mcp",schemaPath:"#/definitions/mcp/required",keyword:"required",params:{missingProperty: "servers"},schema:schema16.required,parentSchema:schema16,data:data20};
if(vErrors === null){
vErrors = [err23];
}
else {
vErrors.push(err23);
}
errors++;
}
for(const key3 of Object.keys(data20)){
if(!(((key3 === "servers") || (key3 === "tool_filter")) || (key3 === "tool_prompt"))){
const err24 = {instancePath:instancePath+"/data/mcp",schemaPath:"#/definitions/mcp/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key3},schema:false,parentSchema:schema16,data:data20};
if(vErrors === null){
vErrors = [err24];
}
else {
vErrors.push(err24);
}
errors++;
}
}
if(data20.servers !== undefined && func0.call(data20, "servers")){
let data21 = data20.servers;
if(data21 && typeof data21 == "object" && !Array.isArray(data21)){
for(const key4 of Object.keys(data21)){
let data22 = data21[key4];
if(data22 && typeof data22 == "object" && !Array.isArray(data22)){
for(const key5 of Object.keys(data22)){
if(!((((((key5 === "command") || (key5 === "args")) || (key5 === "env")) || (key5 === "server_url")) || (key5 === "headers")) || (key5 === "timeout"))){
const err25 = {instancePath:instancePath+"/data/mcp/servers/" + key4.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/definitions/mcp/properties/servers/additionalProperties/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key5},schema:false,parentSchema:schema16.properties.servers.additionalProperties,data:data22};
if(vErrors === null){
vErrors = [err25];
}
else {
vErrors.push(err25);
}
errors++;
}
}
if(data22.command !== undefined && func0.call(data22, "command")){
let data23 = data22.command;
if(typeof data23 !== "string"){
const err26 = {instancePath:instancePath+"/data/mcp/servers/" + key4.replace(/~/g, "~0").replace(/\//g, "~1")+"/command",schemaPath:"#/definitions/mcp/properties/servers/additionalProperties/properties/command/type",keyword:"type",params:{type: "string"},schema:schema16.properties.servers.additionalProperties.properties.command.type,parentSchema:schema16.properties.servers.additionalProperties.properties.command,data:data23};
if(vErrors === null){
vErrors = [err26];
}
else {
vErrors.push(err26);
}
errors++;
}
}
if(data22.args !== undefined && func0.call(data22, "args")){
let data24 = data22.args;
if(Array.isArray(data24)){
const len0 = data24.length;
for(let i0=0; i0<len0; i0++){
let data25 = data24[i0];
if(typeof data25 !== "string"){
const err27 = {instancePath:instancePath+"/data/mcp/servers/" + key4.replace(/~/g, "~0").replace(/\//g, "~1")+"/args/" + i0,schemaPath:"#/definitions/mcp/properties/servers/additionalProperties/properties/args/items/type",keyword:"type",params:{type: "string"},schema:schema16.properties.servers.additionalProperties.properties.args.items.type,parentSchema:schema16.properties.servers.additionalProperties.properties.args.items,data:data25};
if(vErrors === null){
vErrors = [err27];
}
else {
vErrors.push(err27);
}
errors++;
}
}
}
else {
const err28 = {instancePath:instancePath+"/data/mcp/servers/" + key4.replace(/~/g, "~0").replace(/\//g, "~1")+"/args",schemaPath:"#/definitions/mcp/properties/servers/additionalProperties/properties/args/type",keyword:"type",params:{type: "array"},schema:schema16.properties.servers.additionalProperties.properties.args.type,parentSchema:schema16.properties.servers.additionalProperties.properties.args,data:data24};
if(vErrors === null){
vErrors = [err28];
}
else {
vErrors.push(err28);
}
errors++;
}
}
if(data22.env !== undefined && func0.call(data22, "env")){
let data26 = data22.env;
if(data26 && typeof data26 == "object" && !Array.isArray(data26)){
for(const key6 of Object.keys(data26)){
let data27 = data26[key6];
if(typeof data27 !== "string"){
const err29 = {instancePath:instancePath+"/data/mcp/servers/" + key4.replace(/~/g, "~0").replace(/\//g, "~1")+"/env/" + key6.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/definitions/mcp/properties/servers/additionalProperties/properties/env/additionalProperties/type",keyword:"type",params:{type: "string"},schema:schema16.properties.servers.additionalProperties.properties.env.additionalProperties.type,parentSchema:schema16.properties.servers.additionalProperties.properties.env.additionalProperties,data:data27};
if(vErrors === null){
vErrors = [err29];
}
else {
vErrors.push(err29);
}
errors++;
}
}
}
else {
const err30 = {instancePath:instancePath+"/data/mcp/servers/" + key4.replace(/~/g, "~0").replace(/\//g, "~1")+"/env",schemaPath:"#/definitions/mcp/properties/servers/additionalProperties/properties/env/type",keyword:"type",params:{type: "object"},schema:schema16.properties.servers.additionalProperties.properties.env.type,parentSchema:schema16.properties.servers.additionalProperties.properties.env,data:data26};
if(vErrors === null){
vErrors = [err30];
}
else {
vErrors.push(err30);
}
errors++;
}
}
if(data22.server_url !== undefined && func0.call(data22, "server_url")){
let data28 = data22.server_url;
if(typeof data28 !== "string"){
const err31 = {instancePath:instancePath+"/data/mcp/servers/" + key4.replace(/~/g, "~0").replace(/\//g, "~1")+"/server_url",schemaPath:"#/definitions/mcp/properties/servers/additionalProperties/properties/server_url/type",keyword:"type",params:{type: "string"},schema:schema16.properties.servers.additionalProperties.properties.server_url.type,parentSchema:schema16.properties.servers.additionalProperties.properties.server_url,data:data28};
if(vErrors === null){
vErrors = [err31];
}
else {
vErrors.push(err31);
}
errors++;
}
}
if(data22.headers !== undefined && func0.call(data22, "headers")){
let data29 = data22.headers;
if(data29 && typeof data29 == "object" && !Array.isArray(data29)){
for(const key7 of Object.keys(data29)){
let data30 = data29[key7];
if(typeof data30 !== "string"){
const err32 = {instancePath:instancePath+"/data/mcp/servers/" + key4.replace(/~/g, "~0").replace(/\//g, "~1")+"/headers/" + key7.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/definitions/mcp/properties/servers/additionalProperties/properties/headers/additionalProperties/type",keyword:"type",params:{type: "string"},schema:schema16.properties.servers.additionalProperties.properties.headers.additionalProperties.type,parentSchema:schema16.properties.servers.additionalProperties.properties.headers.additionalProperties,data:data30};
if(vErrors === null){
vErrors = [err32];
}
else {
vErrors.push(err32);
}
errors++;
}
}
}
else {
const err33 = {instancePath:instancePath+"/data/mcp/servers/" + key4.replace(/~/g, "~0").replace(/\//g, "~1")+"/headers",schemaPath:"#/definitions/mcp/properties/servers/additionalProperties/properties/headers/type",keyword:"type",params:{type: "object"},schema:schema16.properties.servers.additionalProperties.properties.headers.type,parentSchema:schema16.properties.servers.additionalProperties.properties.headers,data:data29};
if(vErrors === null){
vErrors = [err33];
}
else {
vErrors.push(err33);
}
errors++;
}
}
if(data22.timeout !== undefined && func0.call(data22, "timeout")){
let data31 = data22.timeout;
if((typeof data31 == "number") && (isFinite(data31))){
if(data31 <= 0 || isNaN(data31)){
const err34 = {instancePath:instancePath+"/data/mcp/servers/" + key4.replace(/~/g, "~0").replace(/\//g, "~1")+"/timeout",schemaPath:"#/definitions/mcp/properties/servers/additionalProperties/properties/timeout/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0},schema:0,parentSchema:schema16.properties.servers.additionalProperties.properties.timeout,data:data31};
if(vErrors === null){
vErrors = [err34];
}
else {
vErrors.push(err34);
}
errors++;
}
}
else {
const err35 = {instancePath:instancePath+"/data/mcp/servers/" + key4.replace(/~/g, "~0").replace(/\//g, "~1")+"/timeout",schemaPath:"#/definitions/mcp/properties/servers/additionalProperties/properties/timeout/type",keyword:"type",params:{type: "number"},schema:schema16.properties.servers.additionalProperties.properties.timeout.type,parentSchema:schema16.properties.servers.additionalProperties.properties.timeout,data:data31};
if(vErrors === null){
vErrors = [err35];
}
else {
vErrors.push(err35);
}
errors++;
}
}
}
else {
const err36 = {instancePath:instancePath+"/data/mcp/servers/" + key4.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/definitions/mcp/properties/servers/additionalProperties/type",keyword:"type",params:{type: "object"},schema:schema16.properties.servers.additionalProperties.type,parentSchema:schema16.properties.servers.additionalProperties,data:data22};
if(vErrors === null){
vErrors = [err36];
}
else {
vErrors.push(err36);
}
errors++;
}
}
}
else {
const err37 = {instancePath:instancePath+"/data/mcp/servers",schemaPath:"#/definitions/mcp/properties/servers/type",keyword:"type",params:{type: "object"},schema:schema16.properties.servers.type,parentSchema:schema16.properties.servers,data:data21};
if(vErrors === null){
vErrors = [err37];
}
else {
vErrors.push(err37);
}
errors++;
}
}
if(data20.tool_filter !== undefined && func0.call(data20, "tool_filter")){
let data32 = data20.tool_filter;
if(data32 && typeof data32 == "object" && !Array.isArray(data32)){
for(const key8 of Object.keys(data32)){
if(!((key8 === "allow") || (key8 === "deny"))){
const err38 = {instancePath:instancePath+"/data/mcp/tool_filter",schemaPath:"#/definitions/mcp/properties/tool_filter/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key8},schema:false,parentSchema:schema16.properties.tool_filter,data:data32};
if(vErrors === null){
vErrors = [err38];
}
else {
vErrors.push(err38);
}
errors++;
}
}
if(data32.allow !== undefined && func0.call(data32, "allow")){
let data33 = data32.allow;
if(Array.isArray(data33)){
const len1 = data33.length;
for(let i1=0; i1<len1; i1++){
let data34 = data33[i1];
if(typeof data34 !== "string"){
const err39 = {instancePath:instancePath+"/data/mcp/tool_filter/allow/" + i1,schemaPath:"#/definitions/mcp/properties/tool_filter/properties/allow/items/type",keyword:"type",params:{type: "string"},schema:schema16.properties.tool_filter.properties.allow.items.type,parentSchema:schema16.properties.tool_filter.properties.allow.items,data:data34};
if(vErrors === null){
vErrors = [err39];
}
else {
vErrors.push(err39);
}
errors++;
}
}
}
else {
const err40 = {instancePath:instancePath+"/data/mcp/tool_filter/allow",schemaPath:"#/definitions/mcp/properties/tool_filter/properties/allow/type",keyword:"type",params:{type: "array"},schema:schema16.properties.tool_filter.properties.allow.type,parentSchema:schema16.properties.tool_filter.properties.allow,data:data33};
if(vErrors === null){
vErrors = [err40];
}
else {
vErrors.push(err40);
}
errors++;
}
}
if(data32.deny !== undefined && func0.call(data32, "deny")){
let data35 = data32.deny;
if(Array.isArray(data35)){
const len2 = data35.length;
for(let i2=0; i2<len2; i2++){
let data36 = data35[i2];
if(typeof data36 !== "string"){
const err41 = {instancePath:instancePath+"/data/mcp/tool_filter/deny/" + i2,schemaPath:"#/definitions/mcp/properties/tool_filter/properties/deny/items/type",keyword:"type",params:{type: "string"},schema:schema16.properties.tool_filter.properties.deny.items.type,parentSchema:schema16.properties.tool_filter.properties.deny.items,data:data36};
if(vErrors === null){
vErrors = [err41];
}
else {
vErrors.push(err41);
}
errors++;
}
}
}
else {
const err42 = {instancePath:instancePath+"/data/mcp/tool_filter/deny",schemaPath:"#/definitions/mcp/properties/tool_filter/properties/deny/type",keyword:"type",params:{type: "array"},schema:schema16.properties.tool_filter.properties.deny.type,parentSchema:schema16.properties.tool_filter.properties.deny,data:data35};
if(vErrors === null){
vErrors = [err42];
}
else {
vErrors.push(err42);
}
errors++;
}
}
}
else {
const err43 = {instancePath:instancePath+"/data/mcp/tool_filter",schemaPath:"#/definitions/mcp/properties/tool_filter/type",keyword:"type",params:{type: "object"},schema:schema16.properties.tool_filter.type,parentSchema:schema16.properties.tool_filter,data:data32};
if(vErrors === null){
vErrors = [err43];
}
else {
vErrors.push(err43);
}
errors++;
}
}
if(data20.tool_prompt !== undefined && func0.call(data20, "tool_prompt")){
let data37 = data20.tool_prompt;
if(typeof data37 !== "string"){
const err44 = {instancePath:instancePath+"/data/mcp/tool_prompt",schemaPath:"#/definitions/mcp/properties/tool_prompt/type",keyword:"type",params:{type: "string"},schema:schema16.properties.tool_prompt.type,parentSchema:schema16.properties.tool_prompt,data:data37};
if(vErrors === null){
vErrors = [err44];
}
else {
vErrors.push(err44);
}
errors++;
}
}
}
else {
const err45 = {instancePath:instancePath+"/data/mcp",schemaPath:"#/definitions/mcp/type",keyword:"type",params:{type: "object"},schema:schema16.type,parentSchema:schema16,data:data20};
if(vErrors === null){
vErrors = [err45];
}
else {
vErrors.push(err45);
}
errors++;
}
}
if(data3.tools !== undefined && func0.call(data3, "tools")){
let data38 = data3.tools;
if(Array.isArray(data38)){
const len3 = data38.length;
for(let i3=0; i3<len3; i3++){
let data39 = data38[i3];
if(!(data39 && typeof data39 == "object" && !Array.isArray(data39))){
const err46 = {instancePath:instancePath+"/data/tools/" + i3,schemaPath:"#/properties/data/properties/tools/items/type",keyword:"type",params:{type: "object"},schema:schema14.properties.data.properties.tools.items.type,parentSchema:schema14.properties.data.properties.tools.items,data:data39};
if(vErrors === null){
vErrors = [err46];
}
else {
vErrors.push(err46);
}
errors++;
}
}
}
else {
const err47 = {instancePath:instancePath+"/data/tools",schemaPath:"#/properties/data/properties/tools/type",keyword:"type",params:{type: "array"},schema:schema14.properties.data.properties.tools.type,parentSchema:schema14.properties.data.properties.tools,data:data38};
if(vErrors === null){
vErrors = [err47];
}
else {
vErrors.push(err47);
}
errors++;
}
}
}
else {
const err48 = {instancePath:instancePath+"/data",schemaPath:"#/properties/data/type",keyword:"type",params:{type: "object"},schema:schema14.properties.data.type,parentSchema:schema14.properties.data,data:data3};
if(vErrors === null){
vErrors = [err48];
}
else {
vErrors.push(err48);
}
errors++;
}
}
if(data.metadata !== undefined && func0.call(data, "metadata")){
let data40 = data.metadata;
if(!(data40 && typeof data40 == "object" && !Array.isArray(data40))){
const err49 = {instancePath:instancePath+"/metadata",schemaPath:"#/properties/metadata/type",keyword:"type",params:{type: "object"},schema:schema14.properties.metadata.type,parentSchema:schema14.properties.metadata,data:data40};
if(vErrors === null){
vErrors = [err49];
}
else {
vErrors.push(err49);
}
errors++;
}
}
}
else {
const err50 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},schema:schema14.type,parentSchema:schema14,data};
if(vErrors === null){
vErrors = [err50];
}
else {
vErrors.push(err50);
}
errors++;
}
validate13.errors = vErrors;
return errors === 0;
}


function validate12(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if((typeof data !== "string") && (!(data && typeof data == "object" && !Array.isArray(data)))){
const err0 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: schema13.type},schema:schema13.type,parentSchema:schema13,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
const _errs1 = errors;
let valid0 = true;
const _errs2 = errors;
if(errors === _errs2){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((data.spec === undefined) || (!(func0.call(data, "spec")))) && (missing0 = "spec")){
const err1 = {};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
}
else {
const err2 = {};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
var _valid0 = _errs2 === errors;
errors = _errs1;
if(vErrors !== null){
if(_errs1){
vErrors.length = _errs1;
}
else {
vErrors = null;
}
}
let ifClause0;
if(_valid0){
const _errs4 = errors;
if(!(validate13(data, {instancePath,parentData,parentDataProperty,rootData}))){
vErrors = vErrors === null ? validate13.errors : vErrors.concat(validate13.errors);
errors = vErrors.length;
}
var _valid0 = _errs4 === errors;
valid0 = _valid0;
ifClause0 = "then";
}
else {
const _errs5 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
if((data.type === undefined) || (!(func0.call(data, "type")))){
const err3 = {instancePath,schemaPath:"#/else/required",keyword:"required",params:{missingProperty: "type"},schema:schema13.else.required,parentSchema:schema13.else,data};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
for(const key0 of Object.keys(data)){
if(!(((key0 === "type") || (key0 === "ref")) || (key0 === "config"))){
const err4 = {instancePath,schemaPath:"#/else/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},schema:false,parentSchema:schema13.else,data};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
if(data.type !== undefined && func0.call(data, "type")){
let data0 = data.type;
if(typeof data0 !== "string"){
const err5 = {instancePath:instancePath+"/type",schemaPath:"#/else/properties/type/type",keyword:"type",params:{type: "string"},schema:schema13.else.properties.type.type,parentSchema:schema13.else.properties.type,data:data0};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
}
if(data.ref !== undefined && func0.call(data, "ref")){
let data1 = data.ref;
if(typeof data1 !== "string"){
const err6 = {instancePath:instancePath+"/ref",schemaPath:"#/else/properties/ref/type",keyword:"type",params:{type: "string"},schema:schema13.else.properties.ref.type,parentSchema:schema13.else.properties.ref,data:data1};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
if(data.config !== undefined && func0.call(data, "config")){
let data2 = data.config;
if(!(data2 && typeof data2 == "object" && !Array.isArray(data2))){
const err7 = {instancePath:instancePath+"/config",schemaPath:"#/else/properties/config/type",keyword:"type",params:{type: "object"},schema:schema13.else.properties.config.type,parentSchema:schema13.else.properties.config,data:data2};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
}
}
var _valid0 = _errs5 === errors;
valid0 = _valid0;
ifClause0 = "else";
}
if(!valid0){
const err8 = {instancePath,schemaPath:"#/if",keyword:"if",params:{failingKeyword: ifClause0},schema:schema13.if,parentSchema:schema13,data};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
validate12.errors = vErrors;
return errors === 0;
}

const schema17 = {"type":["string","object"],"x-expected":"the path of a machine file, or an inline machine","additionalProperties":false,"properties":{"spec":{"const":"flatmachine"},"spec_version":{"type":"string"},"data":{"$ref":"#/definitions/data"},"metadata":{"type":"object"},"path":{"type":"string"},"inline":{"$ref":"#"}}};
const wrapper2 = {validate: validate11};
const root1 = {validate: validate10};

function validate18(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if((typeof data !== "string") && (!(data && typeof data == "object" && !Array.isArray(data)))){
const err0 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: schema17.type},schema:schema17.type,parentSchema:schema17,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
if(data && typeof data == "object" && !Array.isArray(data)){
for(const key0 of Object.keys(data)){
if(!((((((key0 === "spec") || (key0 === "spec_version")) || (key0 === "data")) || (key0 === "metadata")) || (key0 === "path")) || (key0 === "inline"))){
const err1 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},schema:false,parentSchema:schema17,data};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
}
if(data.spec !== undefined && func0.call(data, "spec")){
let data0 = data.spec;
if("flatmachine" !== data0){
const err2 = {instancePath:instancePath+"/spec",schemaPath:"#/properties/spec/const",keyword:"const",params:{allowedValue: "flatmachine"},schema:"flatmachine",parentSchema:schema17.properties.spec,data:data0};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
if(data.spec_version !== undefined && func0.call(data, "spec_version")){
let data1 = data.spec_version;
if(typeof data1 !== "string"){
const err3 = {instancePath:instancePath+"/spec_version",schemaPath:"#/properties/spec_version/type",keyword:"type",params:{type: "string"},schema:schema17.properties.spec_version.type,parentSchema:schema17.properties.spec_version,data:data1};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
}
if(data.data !== undefined && func0.call(data, "data")){
if(!(wrapper2.validate(data.data, {instancePath:instancePath+"/data",parentData:data,parentDataProperty:"data",rootData}))){
vErrors = vErrors === null ? wrapper2.validate.errors : vErrors.concat(wrapper2.validate.errors);
errors = vErrors.length;
}
}
if(data.metadata !== undefined && func0.call(data, "metadata")){
let data3 = data.metadata;
if(!(data3 && typeof data3 == "object" && !Array.isArray(data3))){
const err4 = {instancePath:instancePath+"/metadata",schemaPath:"#/properties/metadata/type",keyword:"type",params:{type: "object"},schema:schema17.properties.metadata.type,parentSchema:schema17.properties.metadata,data:data3};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
if(data.path !== undefined && func0.call(data, "path")){
let data4 = data.path;
if(typeof data4 !== "string"){
const err5 = {instancePath:instancePath+"/path",schemaPath:"#/properties/path/type",keyword:"type",params:{type: "string"},schema:schema17.properties.path.type,parentSchema:schema17.properties.path,data:data4};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
}
if(data.inline !== undefined && func0.call(data, "inline")){
if(!(root1.validate(data.inline, {instancePath:instancePath+"/inline",parentData:data,parentDataProperty:"inline",rootData}))){
vErrors = vErrors === null ? root1.validate.errors : vErrors.concat(root1.validate.errors);
errors = vErrors.length;
}
}
}
validate18.errors = vErrors;
return errors === 0;
}

const schema18 = {"type":"object","additionalProperties":false,"properties":{"type":{"enum":["initial","final"]},"description":{"type":"string"},"action":{"type":"string"},"agent":{"type":"string"},"execution":{"$ref":"#/definitions/execution"},"sampling":{"enum":["single","multi"]},"session_id":{"type":"string"},"tool_loop":{"$ref":"#/definitions/toolLoop"},"machine":{"type":["string","array"],"x-expected":"the name of a machine, or a list of names or of {name, input}","minItems":1,"items":{"type":["string","object"],"x-expected":"the name of a machine or {name, input}","required":["name"],"additionalProperties":false,"properties":{"name":{"type":"string"},"input":{"$ref":"#/definitions/mapping"}}}},"foreach":{"type":["string","array"]},"as":{"type":"string","pattern":"^[A-Za-z_][A-Za-z0-9_]*$","x-expected":"a name made of letters, digits and _"},"key":{"type":"string"},"max_concurrency":{"type":"integer","minimum":1},"mode":{"enum":["settled","any"]},"launch":{"type":["string","array"],"x-expected":"the name of a machine or a list of names","minItems":1,"items":{"type":"string"}},"launch_input":{"$ref":"#/definitions/mapping"},"wait_for":{"type":"string"},"timeout":{"type":"number"},"input":{"$ref":"#/definitions/mapping"},"output_to_context":{"type":"object"},"output":{"$ref":"#/definitions/mapping"},"on_error":{"type":["string","object"],"x-expected":"the name of a state, or a map from error type to state","additionalProperties":{"type":"string","x-expected":"the name of a state"}},"transitions":{"type":"array","items":{"$ref":"#/definitions/transition"}},"hooks":{"$ref":"#/definitions/hooks"}}};
const schema19 = {"type":"object","properties":{"type":{"type":"string"},"backoffs":{"type":"array","items":{"type":"number","minimum":0}},"jitter":{"type":"number","minimum":0,"maximum":1},"retry_on_empty":{"type":"boolean"},"n_samples":{"type":"integer","minimum":1},"k_margin":{"type":"integer","minimum":1},"max_candidates":{"type":"integer","minimum":1},"max_response_tokens":{"type":"integer","minimum":1}}};
const schema20 = {"type":["boolean","object"],"x-expected":"true, false, or a map of bounds","additionalProperties":false,"properties":{"max_turns":{"type":"integer","minimum":0},"max_tool_calls":{"type":"integer","minimum":0},"tool_timeout":{"type":"number","minimum":0},"total_timeout":{"type":"number","minimum":0},"max_cost":{"type":"number","minimum":0},"allowed_tools":{"type":"array","items":{"type":"string"}},"denied_tools":{"type":"array","items":{"type":"string"}}}};
const schema21 = {"type":["object","string"],"x-expected":"a map, or a path to one such as `context.task`"};
const schema25 = {"type":"object","required":["to"],"additionalProperties":false,"properties":{"condition":{"type":["string","boolean"],"x-expected":"an expression, true or false"},"to":{"type":"string","x-expected":"the name of a state"}}};
const pattern0 = new RegExp("^[A-Za-z_][A-Za-z0-9_]*$", "u");

function validate20(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
for(const key0 of Object.keys(data)){
if(!(func0.call(schema18.properties, key0))){
const err0 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},schema:false,parentSchema:schema18,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
}
if(data.type !== undefined && func0.call(data, "type")){
let data0 = data.type;
if(!((data0 === "initial") || (data0 === "final"))){
const err1 = {instancePath:instancePath+"/type",schemaPath:"#/properties/type/enum",keyword:"enum",params:{allowedValues: schema18.properties.type.enum},schema:schema18.properties.type.enum,parentSchema:schema18.properties.type,data:data0};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
}
if(data.description !== undefined && func0.call(data, "description")){
let data1 = data.description;
if(typeof data1 !== "string"){
const err2 = {instancePath:instancePath+"/description",schemaPath:"#/properties/description/type",keyword:"type",params:{type: "string"},schema:schema18.properties.description.type,parentSchema:schema18.properties.description,data:data1};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
if(data.action !== undefined && func0.call(data, "action")){
let data2 = data.action;
if(typeof data2 !== "string"){
const err3 = {instancePath:instancePath+"/action",schemaPath:"#/properties/action/type",keyword:"type",params:{type: "string"},schema:schema18.properties.action.type,parentSchema:schema18.properties.action,data:data2};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
}
if(data.agent !== undefined && func0.call(data, "agent")){
let data3 = data.agent;
if(typeof data3 !== "string"){
const err4 = {instancePath:instancePath+"/agent",schemaPath:"#/properties/agent/type",keyword:"type",params:{type: "string"},schema:schema18.properties.agent.type,parentSchema:schema18.properties.agent,data:data3};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
if(data.execution !== undefined && func0.call(data, "execution")){
let data4 = data.execution;
if(data4 && typeof data4 == "object" && !Array.isArray(data4)){
if(data4.type !== undefined && func0.call(data4, "type")){
let data5 = data4.type;
if(typeof data5 !== "string"){
const err5 = {instancePath:instancePath+"/execution/type",schemaPath:"#/definitions/execution/properties/type/type",keyword:"type",params:{type: "string"},schema:schema19.properties.type.type,parentSchema:schema19.properties.type,data:data5};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
}
if(data4.backoffs !== undefined && func0.call(data4, "backoffs")){
let data6 = data4.backoffs;
if(Array.isArray(data6)){
const len0 = data6.length;
for(let i0=0; i0<len0; i0++){
let data7 = data6[i0];
if((typeof data7 == "number") && (isFinite(data7))){
if(data7 < 0 || isNaN(data7)){
const err6 = {instancePath:instancePath+"/execution/backoffs/" + i0,schemaPath:"#/definitions/execution/properties/backoffs/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},schema:0,parentSchema:schema19.properties.backoffs.items,data:data7};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
else {
const err7 = {instancePath:instancePath+"/execution/backoffs/" + i0,schemaPath:"#/definitions/execution/properties/backoffs/items/type",keyword:"type",params:{type: "number"},schema:schema19.properties.backoffs.items.type,parentSchema:schema19.properties.backoffs.items,data:data7};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
}
}
else {
const err8 = {instancePath:instancePath+"/execution/backoffs",schemaPath:"#/definitions/execution/properties/backoffs/type",keyword:"type",params:{type: "array"},schema:schema19.properties.backoffs.type,parentSchema:schema19.properties.backoffs,data:data6};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
}
if(data4.jitter !== undefined && func0.call(data4, "jitter")){
let data8 = data4.jitter;
if((typeof data8 == "number") && (isFinite(data8))){
if(data8 > 1 || isNaN(data8)){
const err9 = {instancePath:instancePath+"/execution/jitter",schemaPath:"#/definitions/execution/properties/jitter/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1},schema:1,parentSchema:schema19.properties.jitter,data:data8};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
if(data8 < 0 || isNaN(data8)){
const err10 = {instancePath:instancePath+"/execution/jitter",schemaPath:"#/definitions/execution/properties/jitter/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},schema:0,parentSchema:schema19.properties.jitter,data:data8};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
}
else {
const err11 = {instancePath:instancePath+"/execution/jitter",schemaPath:"#/definitions/execution/properties/jitter/type",keyword:"type",params:{type: "number"},schema:schema19.properties.jitter.type,parentSchema:schema19.properties.jitter,data:data8};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
}
if(data4.retry_on_empty !== undefined && func0.call(data4, "retry_on_empty")){
let data9 = data4.retry_on_empty;
if(typeof data9 !== "boolean"){
const err12 = {instancePath:instancePath+"/execution/retry_on_empty",schemaPath:"#/definitions/execution/properties/retry_on_empty/type",keyword:"type",params:{type: "boolean"},schema:schema19.properties.retry_on_empty.type,parentSchema:schema19.properties.retry_on_empty,data:data9};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
}
if(data4.n_samples !== undefined && func0.call(data4, "n_samples")){
let data10 = data4.n_samples;
if(!(((typeof data10 == "number") && (!(data10 % 1) && !isNaN(data10))) && (isFinite(data10)))){
const err13 = {instancePath:instancePath+"/execution/n_samples",schemaPath:"#/definitions/execution/properties/n_samples/type",keyword:"type",params:{type: "integer"},schema:schema19.properties.n_samples.type,parentSchema:schema19.properties.n_samples,data:data10};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
if((typeof data10 == "number") && (isFinite(data10))){
if(data10 < 1 || isNaN(data10)){
const err14 = {instancePath:instancePath+"/execution/n_samples",schemaPath:"#/definitions/execution/properties/n_samples/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},schema:1,parentSchema:schema19.properties.n_samples,data:data10};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
}
}
if(data4.k_margin !== undefined && func0.call(data4, "k_margin")){
let data11 = data4.k_margin;
if(!(((typeof data11 == "number") && (!(data11 % 1) && !isNaN(data11))) && (isFinite(data11)))){
const err15 = {instancePath:instancePath+"/execution/k_margin",schemaPath:"#/definitions/execution/properties/k_margin/type",keyword:"type",params:{type: "integer"},schema:schema19.properties.k_margin.type,parentSchema:schema19.properties.k_margin,data:data11};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
if((typeof data11 == "number") && (isFinite(data11))){
if(data11 < 1 || isNaN(data11)){
const err16 = {instancePath:instancePath+"/execution/k_margin",schemaPath:"#/definitions/execution/properties/k_margin/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},schema:1,parentSchema:schema19.properties.k_margin,data:data11};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
}
}
if(data4.max_candidates !== undefined && func0.call(data4, "max_candidates")){
let data12 = data4.max_candidates;
if(!(((typeof data12 == "number") && (!(data12 % 1) && !isNaN(data12))) && (isFinite(data12)))){
const err17 = {instancePath:instancePath+"/execution/max_candidates",schemaPath:"#/definitions/execution/properties/max_candidates/type",keyword:"type",params:{type: "integer"},schema:schema19.properties.max_candidates.type,parentSchema:schema19.properties.max_candidates,data:data12};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
if((typeof data12 == "number") && (isFinite(data12))){
if(data12 < 1 || isNaN(data12)){
const err18 = {instancePath:instancePath+"/execution/max_candidates",schemaPath:"#/definitions/execution/properties/max_candidates/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},schema:1,parentSchema:schema19.properties.max_candidates,data:data12};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
}
}
if(data4.max_response_tokens !== undefined && func0.call(data4, "max_response_tokens")){
let data13 = data4.max_response_tokens;
if(!(((typeof data13 == "number") && (!(data13 % 1) && !isNaN(data13))) && (isFinite(data13)))){
const err19 = {instancePath:instancePath+"/execution/max_response_tokens",schemaPath:"#/definitions/execution/properties/max_response_tokens/type",keyword:"type",params:{type: "integer"},schema:schema19.properties.max_response_tokens.type,parentSchema:schema19.properties.max_response_tokens,data:data13};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
if((typeof data13 == "number") && (isFinite(data13))){
if(data13 < 1 || isNaN(data13)){
const err20 = {instancePath:instancePath+"/execution/max_response_tokens",schemaPath:"#/definitions/execution/properties/max_response_tokens/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},schema:1,parentSchema:schema19.properties.max_response_tokens,data:data13};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
}
}
}
else {
const err21 = {instancePath:instancePath+"/execution",schemaPath:"#/definitions/execution/type",keyword:"type",params:{type: "object"},schema:schema19.type,parentSchema:schema19,data:data4};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
}
if(data.sampling !== undefined && func0.call(data, "sampling")){
let data14 = data.sampling;
if(!((data14 === "single") || (data14 === "multi"))){
const err22 = {instancePath:instancePath+"/sampling",schemaPath:"#/properties/sampling/enum",keyword:"enum",params:{allowedValues: schema18.properties.sampling.enum},schema:schema18.properties.sampling.enum,parentSchema:schema18.properties.sampling,data:data14};
if(vErrors === null){
vErrors = [err22];
}
else {
vErrors.push(err22);
}
errors++;
}
}
if(data.session_id !== undefined && func0.call(data, "session_id")){
let data15 = data.session_id;
if(typeof data15 !== "string"){
const err23 = {instancePath:instancePath+"/session_id",schemaPath:"#/properties/session_id/type",keyword:"type",params:{type: "string"},schema:schema18.properties.session_id.type,parentSchema:schema18.properties.session_id,data:data15};
if(vErrors === null){
vErrors = [err23];
}
else {
vErrors.push(err23);
}
errors++;
}
}
if(data.tool_loop !== undefined && func0.call(data, "tool_loop")){
let data16 = data.tool_loop;
if((typeof data16 !== "boolean") && (!(data16 && typeof data16 == "object" && !Array.isArray(data16)))){
const err24 = {instancePath:instancePath+"/tool_loop",schemaPath:"#/definitions/toolLoop/type",keyword:"type",params:{type: schema20.type},schema:schema20.type,parentSchema:schema20,data:data16};
if(vErrors === null){
vErrors = [err24];
}
else {
vErrors.push(err24);
}
errors++;
}
if(data16 && typeof data16 == "object" && !Array.isArray(data16)){
for(const key1 of Object.keys(data16)){
if(!(((((((key1 === "max_turns") || (key1 === "max_tool_calls")) || (key1 === "tool_timeout")) || (key1 === "total_timeout")) || (key1 === "max_cost")) || (key1 === "allowed_tools")) || (key1 === "denied_tools"))){
const err25 = {instancePath:instancePath+"/tool_loop",schemaPath:"#/definitions/toolLoop/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1},schema:false,parentSchema:schema20,data:data16};
if(vErrors === null){
vErrors = [err25];
}
else {
vErrors.push(err25);
}
errors++;
}
}
if(data16.max_turns !== undefined && func0.call(data16, "max_turns")){
let data17 = data16.max_turns;
if(!(((typeof data17 == "number") && (!(data17 % 1) && !isNaN(data17))) && (isFinite(data17)))){
const err26 = {instancePath:instancePath+"/tool_loop/max_turns",schemaPath:"#/definitions/toolLoop/properties/max_turns/type",keyword:"type",params:{type: "integer"},schema:schema20.properties.max_turns.type,parentSchema:schema20.properties.max_turns,data:data17};
if(vErrors === null){
vErrors = [err26];
}
else {
vErrors.push(err26);
}
errors++;
}
if((typeof data17 == "number") && (isFinite(data17))){
if(data17 < 0 || isNaN(data17)){
const err27 = {instancePath:instancePath+"/tool_loop/max_turns",schemaPath:"#/definitions/toolLoop/properties/max_turns/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},schema:0,parentSchema:schema20.properties.max_turns,data:data17};
if(vErrors === null){
vErrors = [err27];
}
else {
vErrors.push(err27);
}
errors++;
}
}
}
if(data16.max_tool_calls !== undefined && func0.call(data16, "max_tool_calls")){
let data18 = data16.max_tool_calls;
if(!(((typeof data18 == "number") && (!(data18 % 1) && !isNaN(data18))) && (isFinite(data18)))){
const err28 = {instancePath:instancePath+"/tool_loop/max_tool_calls",schemaPath:"#/definitions/toolLoop/properties/max_tool_calls/type",keyword:"type",params:{type: "integer"},schema:schema20.properties.max_tool_calls.type,parentSchema:schema20.properties.max_tool_calls,data:data18};
if(vErrors === null){
vErrors = [err28];
}
else {
vErrors.push(err28);
}
errors++;
}
if((typeof data18 == "number") && (isFinite(data18))){
if(data18 < 0 || isNaN(data18)){
const err29 = {instancePath:instancePath+"/tool_loop/max_tool_calls",schemaPath:"#/definitions/toolLoop/properties/max_tool_calls/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},schema:0,parentSchema:schema20.properties.max_tool_calls,data:data18};
if(vErrors === null){
vErrors = [err29];
}
else {
vErrors.push(err29);
}
errors++;
}
}
}
if(data16.tool_timeout !== undefined && func0.call(data16, "tool_timeout")){
let data19 = data16.tool_timeout;
if((typeof data19 == "number") && (isFinite(data19))){
if(data19 < 0 || isNaN(data19)){
const err30 = {instancePath:instancePath+"/tool_loop/tool_timeout",schemaPath:"#/definitions/toolLoop/properties/tool_timeout/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},schema:0,parentSchema:schema20.properties.tool_timeout,data:data19};
if(vErrors === null){
vErrors = [err30];
}
else {
vErrors.push(err30);
}
errors++;
}
}
else {
const err31 = {instancePath:instancePath+"/tool_loop/tool_timeout",schemaPath:"#/definitions/toolLoop/properties/tool_timeout/type",keyword:"type",params:{type: "number"},schema:schema20.properties.tool_timeout.type,parentSchema:schema20.properties.tool_timeout,data:data19};
if(vErrors === null){
vErrors = [err31];
}
else {
vErrors.push(err31);
}
errors++;
}
}
if(data16.total_timeout !== undefined && func0.call(data16, "total_timeout")){
let data20 = data16.total_timeout;
if((typeof data20 == "number") && (isFinite(data20))){
if(data20 < 0 || isNaN(data20)){
const err32 = {instancePath:instancePath+"/tool_loop/total_timeout",schemaPath:"#/definitions/toolLoop/properties/total_timeout/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},schema:0,parentSchema:schema20.properties.total_timeout,data:data20};
if(vErrors === null){
vErrors = [err32];
}
else {
vErrors.push(err32);
}
errors++;
}
}
else {
const err33 = {instancePath:instancePath+"/tool_loop/total_timeout",schemaPath:"#/definitions/toolLoop/properties/total_timeout/type",keyword:"type",params:{type: "number"},schema:schema20.properties.total_timeout.type,parentSchema:schema20.properties.total_timeout,data:data20};
if(vErrors === null){
vErrors = [err33];
}
else {
vErrors.push(err33);
}
errors++;
}
}
if(data16.max_cost !== undefined && func0.call(data16, "max_cost")){
let data21 = data16.max_cost;
if((typeof data21 == "number") && (isFinite(data21))){
if(data21 < 0 || isNaN(data21)){
const err34 = {instancePath:instancePath+"/tool_loop/max_cost",schemaPath:"#/definitions/toolLoop/properties/max_cost/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},schema:0,parentSchema:schema20.properties.max_cost,data:data21};
if(vErrors === null){
vErrors = [err34];
}
else {
vErrors.push(err34);
}
errors++;
}
}
else {
const err35 = {instancePath:instancePath+"/tool_loop/max_cost",schemaPath:"#/definitions/toolLoop/properties/max_cost/type",keyword:"type",params:{type: "number"},schema:schema20.properties.max_cost.type,parentSchema:schema20.properties.max_cost,data:data21};
if(vErrors === null){
vErrors = [err35];
}
else {
vErrors.push(err35);
}
errors++;
}
}
if(data16.allowed_tools !== undefined && func0.call(data16, "allowed_tools")){
let data22 = data16.allowed_tools;
if(Array.isArray(data22)){
const len1 = data22.length;
for(let i1=0; i1<len1; i1++){
let data23 = data22[i1];
if(typeof data23 !== "string"){
const err36 = {instancePath:instancePath+"/tool_loop/allowed_tools/" + i1,schemaPath:"#/definitions/toolLoop/properties/allowed_tools/items/type",keyword:"type",params:{type: "string"},schema:schema20.properties.allowed_tools.items.type,parentSchema:schema20.properties.allowed_tools.items,data:data23};
if(vErrors === null){
vErrors = [err36];
}
else {
vErrors.push(err36);
}
errors++;
}
}
}
else {
const err37 = {instancePath:instancePath+"/tool_loop/allowed_tools",schemaPath:"#/definitions/toolLoop/properties/allowed_tools/type",keyword:"type",params:{type: "array"},schema:schema20.properties.allowed_tools.type,parentSchema:schema20.properties.allowed_tools,data:data22};
if(vErrors === null){
vErrors = [err37];
}
else {
vErrors.push(err37);
}
errors++;
}
}
if(data16.denied_tools !== undefined && func0.call(data16, "denied_tools")){
let data24 = data16.denied_tools;
if(Array.isArray(data24)){
const len2 = data24.length;
for(let i2=0; i2<len2; i2++){
let data25 = data24[i2];
if(typeof data25 !== "string"){
const err38 = {instancePath:instancePath+"/tool_loop/denied_tools/" + i2,schemaPath:"#/definitions/toolLoop/properties/denied_tools/items/type",keyword:"type",params:{type: "string"},schema:schema20.properties.denied_tools.items.type,parentSchema:schema20.properties.denied_tools.items,data:data25};
if(vErrors === null){
vErrors = [err38];
}
else {
vErrors.push(err38);
}
errors++;
}
}
}
else {
const err39 = {instancePath:instancePath+"/tool_loop/denied_tools",schemaPath:"#/definitions/toolLoop/properties/denied_tools/type",keyword:"type",params:{type: "array"},schema:schema20.properties.denied_tools.type,parentSchema:schema20.properties.denied_tools,data:data24};
if(vErrors === null){
vErrors = [err39];
}
else {
vErrors.push(err39);
}
errors++;
}
}
}
}
if(data.machine !== undefined && func0.call(data, "machine")){
let data26 = data.machine;
if((typeof data26 !== "string") && (!(Array.isArray(data26)))){
const err40 = {instancePath:instancePath+"/machine",schemaPath:"#/properties/machine/type",keyword:"type",params:{type: schema18.properties.machine.type},schema:schema18.properties.machine.type,parentSchema:schema18.properties.machine,data:data26};
if(vErrors === null){
vErrors = [err40];
}
else {
vErrors.push(err40);
}
errors++;
}
if(Array.isArray(data26)){
if(data26.length < 1){
const err41 = {instancePath:instancePath+"/machine",schemaPath:"#/properties/machine/minItems",keyword:"minItems",params:{limit: 1},schema:1,parentSchema:schema18.properties.machine,data:data26};
if(vErrors === null){
vErrors = [err41];
}
else {
vErrors.push(err41);
}
errors++;
}
const len3 = data26.length;
for(let i3=0; i3<len3; i3++){
let data27 = data26[i3];
if((typeof data27 !== "string") && (!(data27 && typeof data27 == "object" && !Array.isArray(data27)))){
const err42 = {instancePath:instancePath+"/machine/" + i3,schemaPath:"#/properties/machine/items/type",keyword:"type",params:{type: schema18.properties.machine.items.type},schema:schema18.properties.machine.items.type,parentSchema:schema18.properties.machine.items,data:data27};
if(vErrors === null){
vErrors = [err42];
}
else {
vErrors.push(err42);
}
errors++;
}
if(data27 && typeof data27 == "object" && !Array.isArray(data27)){
if((data27.name === undefined) || (!(func0.call(data27, "name")))){
const err43 = {instancePath:instancePath+"/machine/" + i3,schemaPath:"#/properties/machine/items/required",keyword:"required",params:{missingProperty: "name"},schema:schema18.properties.machine.items.required,parentSchema:schema18.properties.machine.items,data:data27};
if(vErrors === null){
vErrors = [err43];
}
else {
vErrors.push(err43);
}
errors++;
}
for(const key2 of Object.keys(data27)){
if(!((key2 === "name") || (key2 === "input"))){
const err44 = {instancePath:instancePath+"/machine/" + i3,schemaPath:"#/properties/machine/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key2},schema:false,parentSchema:schema18.properties.machine.items,data:data27};
if(vErrors === null){
vErrors = [err44];
}
else {
vErrors.push(err44);
}
errors++;
}
}
if(data27.name !== undefined && func0.call(data27, "name")){
let data28 = data27.name;
if(typeof data28 !== "string"){
const err45 = {instancePath:instancePath+"/machine/" + i3+"/name",schemaPath:"#/properties/machine/items/properties/name/type",keyword:"type",params:{type: "string"},schema:schema18.properties.machine.items.properties.name.type,parentSchema:schema18.properties.machine.items.properties.name,data:data28};
if(vErrors === null){
vErrors = [err45];
}
else {
vErrors.push(err45);
}
errors++;
}
}
if(data27.input !== undefined && func0.call(data27, "input")){
let data29 = data27.input;
if((!(data29 && typeof data29 == "object" && !Array.isArray(data29))) && (typeof data29 !== "string")){
const err46 = {instancePath:instancePath+"/machine/" + i3+"/input",schemaPath:"#/definitions/mapping/type",keyword:"type",params:{type: schema21.type},schema:schema21.type,parentSchema:schema21,data:data29};
if(vErrors === null){
vErrors = [err46];
}
else {
vErrors.push(err46);
}
errors++;
}
}
}
}
}
}
if(data.foreach !== undefined && func0.call(data, "foreach")){
let data30 = data.foreach;
if((typeof data30 !== "string") && (!(Array.isArray(data30)))){
const err47 = {instancePath:instancePath+"/foreach",schemaPath:"#/properties/foreach/type",keyword:"type",params:{type: schema18.properties.foreach.type},schema:schema18.properties.foreach.type,parentSchema:schema18.properties.foreach,data:data30};
if(vErrors === null){
vErrors = [err47];
}
else {
vErrors.push(err47);
}
errors++;
}
}
if(data.as !== undefined && func0.call(data, "as")){
let data31 = data.as;
if(typeof data31 === "string"){
if(!pattern0.test(data31)){
const err48 = {instancePath:instancePath+"/as",schemaPath:"#/properties/as/pattern",keyword:"pattern",params:{pattern: "^[A-Za-z_][A-Za-z0-9_]*$"},schema:"^[A-Za-z_][A-Za-z0-9_]*$",parentSchema:schema18.properties.as,data:data31};
if(vErrors === null){
vErrors = [err48];
}
else {
vErrors.push(err48);
}
errors++;
}
}
else {
const err49 = {instancePath:instancePath+"/as",schemaPath:"#/properties/as/type",keyword:"type",params:{type: "string"},schema:schema18.properties.as.type,parentSchema:schema18.properties.as,data:data31};
if(vErrors === null){
vErrors = [err49];
}
else {
vErrors.push(err49);
}
errors++;
}
}
if(data.key !== undefined && func0.call(data, "key")){
let data32 = data.key;
if(typeof data32 !== "string"){
const err50 = {instancePath:instancePath+"/key",schemaPath:"#/properties/key/type",keyword:"type",params:{type: "string"},schema:schema18.properties.key.type,parentSchema:schema18.properties.key,data:data32};
if(vErrors === null){
vErrors = [err50];
}
else {
vErrors.push(err50);
}
errors++;
}
}
if(data.max_concurrency !== undefined && func0.call(data, "max_concurrency")){
let data33 = data.max_concurrency;
if(!(((typeof data33 == "number") && (!(data33 % 1) && !isNaN(data33))) && (isFinite(data33)))){
const err51 = {instancePath:instancePath+"/max_concurrency",schemaPath:"#/properties/max_concurrency/type",keyword:"type",params:{type: "integer"},schema:schema18.properties.max_concurrency.type,parentSchema:schema18.properties.max_concurrency,data:data33};
if(vErrors === null){
vErrors = [err51];
}
else {
vErrors.push(err51);
}
errors++;
}
if((typeof data33 == "number") && (isFinite(data33))){
if(data33 < 1 || isNaN(data33)){
const err52 = {instancePath:instancePath+"/max_concurrency",schemaPath:"#/properties/max_concurrency/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},schema:1,parentSchema:schema18.properties.max_concurrency,data:data33};
if(vErrors === null){
vErrors = [err52];
}
else {
vErrors.push(err52);
}
errors++;
}
}
}
if(data.mode !== undefined && func0.call(data, "mode")){
let data34 = data.mode;
if(!((data34 === "settled") || (data34 === "any"))){
const err53 = {instancePath:instancePath+"/mode",schemaPath:"#/properties/mode/enum",keyword:"enum",params:{allowedValues: schema18.properties.mode.enum},schema:schema18.properties.mode.enum,parentSchema:schema18.properties.mode,data:data34};
if(vErrors === null){
vErrors = [err53];
}
else {
vErrors.push(err53);
}
errors++;
}
}
if(data.launch !== undefined && func0.call(data, "launch")){
let data35 = data.launch;
if((typeof data35 !== "string") && (!(Array.isArray(data35)))){
const err54 = {instancePath:instancePath+"/launch",schemaPath:"#/properties/launch/type",keyword:"type",params:{type: schema18.properties.launch.type},schema:schema18.properties.launch.type,parentSchema:schema18.properties.launch,data:data35};
if(vErrors === null){
vErrors = [err54];
}
else {
vErrors.push(err54);
}
errors++;
}
if(Array.isArray(data35)){
if(data35.length < 1){
const err55 = {instancePath:instancePath+"/launch",schemaPath:"#/properties/launch/minItems",keyword:"minItems",params:{limit: 1},schema:1,parentSchema:schema18.properties.launch,data:data35};
if(vErrors === null){
vErrors = [err55];
}
else {
vErrors.push(err55);
}
errors++;
}
const len4 = data35.length;
for(let i4=0; i4<len4; i4++){
let data36 = data35[i4];
if(typeof data36 !== "string"){
const err56 = {instancePath:instancePath+"/launch/" + i4,schemaPath:"#/properties/launch/items/type",keyword:"type",params:{type: "string"},schema:schema18.properties.launch.items.type,parentSchema:schema18.properties.launch.items,data:data36};
if(vErrors === null){
vErrors = [err56];
}
else {
vErrors.push(err56);
}
errors++;
}
}
}
}
if(data.launch_input !== undefined && func0.call(data, "launch_input")){
let data37 = data.launch_input;
if((!(data37 && typeof data37 == "object" && !Array.isArray(data37))) && (typeof data37 !== "string")){
const err57 = {instancePath:instancePath+"/launch_input",schemaPath:"#/definitions/mapping/type",keyword:"type",params:{type: schema21.type},schema:schema21.type,parentSchema:schema21,data:data37};
if(vErrors === null){
vErrors = [err57];
}
else {
vErrors.push(err57);
}
errors++;
}
}
if(data.wait_for !== undefined && func0.call(data, "wait_for")){
let data38 = data.wait_for;
if(typeof data38 !== "string"){
const err58 = {instancePath:instancePath+"/wait_for",schemaPath:"#/properties/wait_for/type",keyword:"type",params:{type: "string"},schema:schema18.properties.wait_for.type,parentSchema:schema18.properties.wait_for,data:data38};
if(vErrors === null){
vErrors = [err58];
}
else {
vErrors.push(err58);
}
errors++;
}
}
if(data.timeout !== undefined && func0.call(data, "timeout")){
let data39 = data.timeout;
if(!((typeof data39 == "number") && (isFinite(data39)))){
const err59 = {instancePath:instancePath+"/timeout",schemaPath:"#/properties/timeout/type",keyword:"type",params:{type: "number"},schema:schema18.properties.timeout.type,parentSchema:schema18.properties.timeout,data:data39};
if(vErrors === null){
vErrors = [err59];
}
else {
vErrors.push(err59);
}
errors++;
}
}
if(data.input !== undefined && func0.call(data, "input")){
let data40 = data.input;
if((!(data40 && typeof data40 == "object" && !Array.isArray(data40))) && (typeof data40 !== "string")){
const err60 = {instancePath:instancePath+"/input",schemaPath:"#/definitions/mapping/type",keyword:"type",params:{type: schema21.type},schema:schema21.type,parentSchema:schema21,data:data40};
if(vErrors === null){
vErrors = [err60];
}
else {
vErrors.push(err60);
}
errors++;
}
}
if(data.output_to_context !== undefined && func0.call(data, "output_to_context")){
let data41 = data.output_to_context;
if(!(data41 && typeof data41 == "object" && !Array.isArray(data41))){
const err61 = {instancePath:instancePath+"/output_to_context",schemaPath:"#/properties/output_to_context/type",keyword:"type",params:{type: "object"},schema:schema18.properties.output_to_context.type,parentSchema:schema18.properties.output_to_context,data:data41};
if(vErrors === null){
vErrors = [err61];
}
else {
vErrors.push(err61);
}
errors++;
}
}
if(data.output !== undefined && func0.call(data, "output")){
let data42 = data.output;
if((!(data42 && typeof data42 == "object" && !Array.isArray(data42))) && (typeof data42 !== "string")){
const err62 = {instancePath:instancePath+"/output",schemaPath:"#/definitions/mapping/type",keyword:"type",params:{type: schema21.type},schema:schema21.type,parentSchema:schema21,data:data42};
if(vErrors === null){
vErrors = [err62];
}
else {
vErrors.push(err62);
}
errors++;
}
}
if(data.on_error !== undefined && func0.call(data, "on_error")){
let data43 = data.on_error;
if((typeof data43 !== "string") && (!(data43 && typeof data43 == "object" && !Array.isArray(data43)))){
const err63 = {instancePath:instancePath+"/on_error",schemaPath:"#/properties/on_error/type",keyword:"type",params:{type: schema18.properties.on_error.type},schema:schema18.properties.on_error.type,parentSchema:schema18.properties.on_error,data:data43};
if(vErrors === null){
vErrors = [err63];
}
else {
vErrors.push(err63);
}
errors++;
}
if(data43 && typeof data43 == "object" && !Array.isArray(data43)){
for(const key3 of Object.keys(data43)){
let data44 = data43[key3];
if(typeof data44 !== "string"){
const err64 = {instancePath:instancePath+"/on_error/" + key3.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/on_error/additionalProperties/type",keyword:"type",params:{type: "string"},schema:schema18.properties.on_error.additionalProperties.type,parentSchema:schema18.properties.on_error.additionalProperties,data:data44};
if(vErrors === null){
vErrors = [err64];
}
else {
vErrors.push(err64);
}
errors++;
}
}
}
}
if(data.transitions !== undefined && func0.call(data, "transitions")){
let data45 = data.transitions;
if(Array.isArray(data45)){
const len5 = data45.length;
for(let i5=0; i5<len5; i5++){
let data46 = data45[i5];
if(data46 && typeof data46 == "object" && !Array.isArray(data46)){
if((data46.to === undefined) || (!(func0.call(data46, "to")))){
const err65 = {instancePath:instancePath+"/transitions/" + i5,schemaPath:"#/definitions/transition/required",keyword:"required",params:{missingProperty: "to"},schema:schema25.required,parentSchema:schema25,data:data46};
if(vErrors === null){
vErrors = [err65];
}
else {
vErrors.push(err65);
}
errors++;
}
for(const key4 of Object.keys(data46)){
if(!((key4 === "condition") || (key4 === "to"))){
const err66 = {instancePath:instancePath+"/transitions/" + i5,schemaPath:"#/definitions/transition/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key4},schema:false,parentSchema:schema25,data:data46};
if(vErrors === null){
vErrors = [err66];
}
else {
vErrors.push(err66);
}
errors++;
}
}
if(data46.condition !== undefined && func0.call(data46, "condition")){
let data47 = data46.condition;
if((typeof data47 !== "string") && (typeof data47 !== "boolean")){
const err67 = {instancePath:instancePath+"/transitions/" + i5+"/condition",schemaPath:"#/definitions/transition/properties/condition/type",keyword:"type",params:{type: schema25.properties.condition.type},schema:schema25.properties.condition.type,parentSchema:schema25.properties.condition,data:data47};
if(vErrors === null){
vErrors = [err67];
}
else {
vErrors.push(err67);
}
errors++;
}
}
if(data46.to !== undefined && func0.call(data46, "to")){
let data48 = data46.to;
if(typeof data48 !== "string"){
const err68 = {instancePath:instancePath+"/transitions/" + i5+"/to",schemaPath:"#/definitions/transition/properties/to/type",keyword:"type",params:{type: "string"},schema:schema25.properties.to.type,parentSchema:schema25.properties.to,data:data48};
if(vErrors === null){
vErrors = [err68];
}
else {
vErrors.push(err68);
}
errors++;
}
}
}
else {
const err69 = {instancePath:instancePath+"/transitions/" + i5,schemaPath:"#/definitions/transition/type",keyword:"type",params:{type: "object"},schema:schema25.type,parentSchema:schema25,data:data46};
if(vErrors === null){
vErrors = [err69];
}
else {
vErrors.push(err69);
}
errors++;
}
}
}
else {
const err70 = {instancePath:instancePath+"/transitions",schemaPath:"#/properties/transitions/type",keyword:"type",params:{type: "array"},schema:schema18.properties.transitions.type,parentSchema:schema18.properties.transitions,data:data45};
if(vErrors === null){
vErrors = [err70];
}
else {
vErrors.push(err70);
}
errors++;
}
}
if(data.hooks !== undefined && func0.call(data, "hooks")){
let data49 = data.hooks;
if((!data49 || typeof data49 != "object") && (typeof data49 !== "string")){
const err71 = {instancePath:instancePath+"/hooks",schemaPath:"#/definitions/hooks/type",keyword:"type",params:{type: schema26.type},schema:schema26.type,parentSchema:schema26,data:data49};
if(vErrors === null){
vErrors = [err71];
}
else {
vErrors.push(err71);
}
errors++;
}
if(Array.isArray(data49)){
const len6 = data49.length;
for(let i6=0; i6<len6; i6++){
let data50 = data49[i6];
if((typeof data50 !== "string") && (!(data50 && typeof data50 == "object" && !Array.isArray(data50)))){
const err72 = {instancePath:instancePath+"/hooks/" + i6,schemaPath:"#/definitions/hooks/items/type",keyword:"type",params:{type: schema26.items.type},schema:schema26.items.type,parentSchema:schema26.items,data:data50};
if(vErrors === null){
vErrors = [err72];
}
else {
vErrors.push(err72);
}
errors++;
}
if(data50 && typeof data50 == "object" && !Array.isArray(data50)){
for(const key5 of Object.keys(data50)){
if(!(((((key5 === "name") || (key5 === "file")) || (key5 === "module")) || (key5 === "class")) || (key5 === "args"))){
const err73 = {instancePath:instancePath+"/hooks/" + i6,schemaPath:"#/definitions/hooks/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key5},schema:false,parentSchema:schema26.items,data:data50};
if(vErrors === null){
vErrors = [err73];
}
else {
vErrors.push(err73);
}
errors++;
}
}
if(data50.name !== undefined && func0.call(data50, "name")){
let data51 = data50.name;
if(typeof data51 !== "string"){
const err74 = {instancePath:instancePath+"/hooks/" + i6+"/name",schemaPath:"#/definitions/hooks/items/properties/name/type",keyword:"type",params:{type: "string"},schema:schema26.items.properties.name.type,parentSchema:schema26.items.properties.name,data:data51};
if(vErrors === null){
vErrors = [err74];
}
else {
vErrors.push(err74);
}
errors++;
}
}
if(data50.file !== undefined && func0.call(data50, "file")){
let data52 = data50.file;
if(typeof data52 !== "string"){
const err75 = {instancePath:instancePath+"/hooks/" + i6+"/file",schemaPath:"#/definitions/hooks/items/properties/file/type",keyword:"type",params:{type: "string"},schema:schema26.items.properties.file.type,parentSchema:schema26.items.properties.file,data:data52};
if(vErrors === null){
vErrors = [err75];
}
else {
vErrors.push(err75);
}
errors++;
}
}
if(data50.module !== undefined && func0.call(data50, "module")){
let data53 = data50.module;
if(typeof data53 !== "string"){
const err76 = {instancePath:instancePath+"/hooks/" + i6+"/module",schemaPath:"#/definitions/hooks/items/properties/module/type",keyword:"type",params:{type: "string"},schema:schema26.items.properties.module.type,parentSchema:schema26.items.properties.module,data:data53};
if(vErrors === null){
vErrors = [err76];
}
else {
vErrors.push(err76);
}
errors++;
}
}
if(data50.class !== undefined && func0.call(data50, "class")){
let data54 = data50.class;
if(typeof data54 !== "string"){
const err77 = {instancePath:instancePath+"/hooks/" + i6+"/class",schemaPath:"#/definitions/hooks/items/properties/class/type",keyword:"type",params:{type: "string"},schema:schema26.items.properties.class.type,parentSchema:schema26.items.properties.class,data:data54};
if(vErrors === null){
vErrors = [err77];
}
else {
vErrors.push(err77);
}
errors++;
}
}
if(data50.args !== undefined && func0.call(data50, "args")){
let data55 = data50.args;
if(!(data55 && typeof data55 == "object" && !Array.isArray(data55))){
const err78 = {instancePath:instancePath+"/hooks/" + i6+"/args",schemaPath:"#/definitions/hooks/items/properties/args/type",keyword:"type",params:{type: "object"},schema:schema26.items.properties.args.type,parentSchema:schema26.items.properties.args,data:data55};
if(vErrors === null){
vErrors = [err78];
}
else {
vErrors.push(err78);
}
errors++;
}
}
}
}
}
if(data49 && typeof data49 == "object" && !Array.isArray(data49)){
for(const key6 of Object.keys(data49)){
if(!(((((key6 === "name") || (key6 === "file")) || (key6 === "module")) || (key6 === "class")) || (key6 === "args"))){
const err79 = {instancePath:instancePath+"/hooks",schemaPath:"#/definitions/hooks/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key6},schema:false,parentSchema:schema26,data:data49};
if(vErrors === null){
vErrors = [err79];
}
else {
vErrors.push(err79);
}
errors++;
}
}
if(data49.name !== undefined && func0.call(data49, "name")){
let data56 = data49.name;
if(typeof data56 !== "string"){
const err80 = {instancePath:instancePath+"/hooks/name",schemaPath:"#/definitions/hooks/properties/name/type",keyword:"type",params:{type: "string"},schema:schema26.properties.name.type,parentSchema:schema26.properties.name,data:data56};
if(vErrors === null){
vErrors = [err80];
}
else {
vErrors.push(err80);
}
errors++;
}
}
if(data49.file !== undefined && func0.call(data49, "file")){
let data57 = data49.file;
if(typeof data57 !== "string"){
const err81 = {instancePath:instancePath+"/hooks/file",schemaPath:"#/definitions/hooks/properties/file/type",keyword:"type",params:{type: "string"},schema:schema26.properties.file.type,parentSchema:schema26.properties.file,data:data57};
if(vErrors === null){
vErrors = [err81];
}
else {
vErrors.push(err81);
}
errors++;
}
}
if(data49.module !== undefined && func0.call(data49, "module")){
let data58 = data49.module;
if(typeof data58 !== "string"){
const err82 = {instancePath:instancePath+"/hooks/module",schemaPath:"#/definitions/hooks/properties/module/type",keyword:"type",params:{type: "string"},schema:schema26.properties.module.type,parentSchema:schema26.properties.module,data:data58};
if(vErrors === null){
vErrors = [err82];
}
else {
vErrors.push(err82);
}
errors++;
}
}
if(data49.class !== undefined && func0.call(data49, "class")){
let data59 = data49.class;
if(typeof data59 !== "string"){
const err83 = {instancePath:instancePath+"/hooks/class",schemaPath:"#/definitions/hooks/properties/class/type",keyword:"type",params:{type: "string"},schema:schema26.properties.class.type,parentSchema:schema26.properties.class,data:data59};
if(vErrors === null){
vErrors = [err83];
}
else {
vErrors.push(err83);
}
errors++;
}
}
if(data49.args !== undefined && func0.call(data49, "args")){
let data60 = data49.args;
if(!(data60 && typeof data60 == "object" && !Array.isArray(data60))){
const err84 = {instancePath:instancePath+"/hooks/args",schemaPath:"#/definitions/hooks/properties/args/type",keyword:"type",params:{type: "object"},schema:schema26.properties.args.type,parentSchema:schema26.properties.args,data:data60};
if(vErrors === null){
vErrors = [err84];
}
else {
vErrors.push(err84);
}
errors++;
}
}
}
}
}
else {
const err85 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},schema:schema18.type,parentSchema:schema18,data};
if(vErrors === null){
vErrors = [err85];
}
else {
vErrors.push(err85);
}
errors++;
}
validate20.errors = vErrors;
return errors === 0;
}

const schema27 = {"type":"object","additionalProperties":false,"properties":{"max_steps":{"type":"integer","minimum":1},"max_depth":{"type":"integer","minimum":0},"max_concurrency":{"type":"integer","minimum":1},"max_agent_calls":{"type":"integer","minimum":0},"max_cost":{"type":"number","minimum":0},"heartbeat_interval":{"type":"number","exclusiveMinimum":0},"parallel_fallback":{"enum":["sequential","error"]},"templates":{"enum":["native","text"]},"backends":{"$ref":"#/definitions/backends"},"profiles":{"type":"string"}}};
const schema28 = {"type":"object","additionalProperties":false,"properties":{"persistence":{"type":"string"},"locking":{"type":"string"},"results":{"type":"string"},"registration":{"type":"string"},"work":{"type":"string"},"signals":{"type":"string"},"sqlite_path":{"type":"string"},"durability":{"enum":["power-loss","process-crash"]}}};

function validate22(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
for(const key0 of Object.keys(data)){
if(!(func0.call(schema27.properties, key0))){
const err0 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},schema:false,parentSchema:schema27,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
}
if(data.max_steps !== undefined && func0.call(data, "max_steps")){
let data0 = data.max_steps;
if(!(((typeof data0 == "number") && (!(data0 % 1) && !isNaN(data0))) && (isFinite(data0)))){
const err1 = {instancePath:instancePath+"/max_steps",schemaPath:"#/properties/max_steps/type",keyword:"type",params:{type: "integer"},schema:schema27.properties.max_steps.type,parentSchema:schema27.properties.max_steps,data:data0};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 < 1 || isNaN(data0)){
const err2 = {instancePath:instancePath+"/max_steps",schemaPath:"#/properties/max_steps/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},schema:1,parentSchema:schema27.properties.max_steps,data:data0};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
}
if(data.max_depth !== undefined && func0.call(data, "max_depth")){
let data1 = data.max_depth;
if(!(((typeof data1 == "number") && (!(data1 % 1) && !isNaN(data1))) && (isFinite(data1)))){
const err3 = {instancePath:instancePath+"/max_depth",schemaPath:"#/properties/max_depth/type",keyword:"type",params:{type: "integer"},schema:schema27.properties.max_depth.type,parentSchema:schema27.properties.max_depth,data:data1};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 < 0 || isNaN(data1)){
const err4 = {instancePath:instancePath+"/max_depth",schemaPath:"#/properties/max_depth/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},schema:0,parentSchema:schema27.properties.max_depth,data:data1};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
}
if(data.max_concurrency !== undefined && func0.call(data, "max_concurrency")){
let data2 = data.max_concurrency;
if(!(((typeof data2 == "number") && (!(data2 % 1) && !isNaN(data2))) && (isFinite(data2)))){
const err5 = {instancePath:instancePath+"/max_concurrency",schemaPath:"#/properties/max_concurrency/type",keyword:"type",params:{type: "integer"},schema:schema27.properties.max_concurrency.type,parentSchema:schema27.properties.max_concurrency,data:data2};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
if((typeof data2 == "number") && (isFinite(data2))){
if(data2 < 1 || isNaN(data2)){
const err6 = {instancePath:instancePath+"/max_concurrency",schemaPath:"#/properties/max_concurrency/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},schema:1,parentSchema:schema27.properties.max_concurrency,data:data2};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
}
if(data.max_agent_calls !== undefined && func0.call(data, "max_agent_calls")){
let data3 = data.max_agent_calls;
if(!(((typeof data3 == "number") && (!(data3 % 1) && !isNaN(data3))) && (isFinite(data3)))){
const err7 = {instancePath:instancePath+"/max_agent_calls",schemaPath:"#/properties/max_agent_calls/type",keyword:"type",params:{type: "integer"},schema:schema27.properties.max_agent_calls.type,parentSchema:schema27.properties.max_agent_calls,data:data3};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 < 0 || isNaN(data3)){
const err8 = {instancePath:instancePath+"/max_agent_calls",schemaPath:"#/properties/max_agent_calls/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},schema:0,parentSchema:schema27.properties.max_agent_calls,data:data3};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
}
}
if(data.max_cost !== undefined && func0.call(data, "max_cost")){
let data4 = data.max_cost;
if((typeof data4 == "number") && (isFinite(data4))){
if(data4 < 0 || isNaN(data4)){
const err9 = {instancePath:instancePath+"/max_cost",schemaPath:"#/properties/max_cost/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},schema:0,parentSchema:schema27.properties.max_cost,data:data4};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
}
else {
const err10 = {instancePath:instancePath+"/max_cost",schemaPath:"#/properties/max_cost/type",keyword:"type",params:{type: "number"},schema:schema27.properties.max_cost.type,parentSchema:schema27.properties.max_cost,data:data4};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
}
if(data.heartbeat_interval !== undefined && func0.call(data, "heartbeat_interval")){
let data5 = data.heartbeat_interval;
if((typeof data5 == "number") && (isFinite(data5))){
if(data5 <= 0 || isNaN(data5)){
const err11 = {instancePath:instancePath+"/heartbeat_interval",schemaPath:"#/properties/heartbeat_interval/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0},schema:0,parentSchema:schema27.properties.heartbeat_interval,data:data5};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
}
else {
const err12 = {instancePath:instancePath+"/heartbeat_interval",schemaPath:"#/properties/heartbeat_interval/type",keyword:"type",params:{type: "number"},schema:schema27.properties.heartbeat_interval.type,parentSchema:schema27.properties.heartbeat_interval,data:data5};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
}
if(data.parallel_fallback !== undefined && func0.call(data, "parallel_fallback")){
let data6 = data.parallel_fallback;
if(!((data6 === "sequential") || (data6 === "error"))){
const err13 = {instancePath:instancePath+"/parallel_fallback",schemaPath:"#/properties/parallel_fallback/enum",keyword:"enum",params:{allowedValues: schema27.properties.parallel_fallback.enum},schema:schema27.properties.parallel_fallback.enum,parentSchema:schema27.properties.parallel_fallback,data:data6};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
}
if(data.templates !== undefined && func0.call(data, "templates")){
let data7 = data.templates;
if(!((data7 === "native") || (data7 === "text"))){
const err14 = {instancePath:instancePath+"/templates",schemaPath:"#/properties/templates/enum",keyword:"enum",params:{allowedValues: schema27.properties.templates.enum},schema:schema27.properties.templates.enum,parentSchema:schema27.properties.templates,data:data7};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
}
if(data.backends !== undefined && func0.call(data, "backends")){
let data8 = data.backends;
if(data8 && typeof data8 == "object" && !Array.isArray(data8)){
for(const key1 of Object.keys(data8)){
if(!((((((((key1 === "persistence") || (key1 === "locking")) || (key1 === "results")) || (key1 === "registration")) || (key1 === "work")) || (key1 === "signals")) || (key1 === "sqlite_path")) || (key1 === "durability"))){
const err15 = {instancePath:instancePath+"/backends",schemaPath:"#/definitions/backends/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1},schema:false,parentSchema:schema28,data:data8};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
}
if(data8.persistence !== undefined && func0.call(data8, "persistence")){
let data9 = data8.persistence;
if(typeof data9 !== "string"){
const err16 = {instancePath:instancePath+"/backends/persistence",schemaPath:"#/definitions/backends/properties/persistence/type",keyword:"type",params:{type: "string"},schema:schema28.properties.persistence.type,parentSchema:schema28.properties.persistence,data:data9};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
}
if(data8.locking !== undefined && func0.call(data8, "locking")){
let data10 = data8.locking;
if(typeof data10 !== "string"){
const err17 = {instancePath:instancePath+"/backends/locking",schemaPath:"#/definitions/backends/properties/locking/type",keyword:"type",params:{type: "string"},schema:schema28.properties.locking.type,parentSchema:schema28.properties.locking,data:data10};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
}
if(data8.results !== undefined && func0.call(data8, "results")){
let data11 = data8.results;
if(typeof data11 !== "string"){
const err18 = {instancePath:instancePath+"/backends/results",schemaPath:"#/definitions/backends/properties/results/type",keyword:"type",params:{type: "string"},schema:schema28.properties.results.type,parentSchema:schema28.properties.results,data:data11};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
}
if(data8.registration !== undefined && func0.call(data8, "registration")){
let data12 = data8.registration;
if(typeof data12 !== "string"){
const err19 = {instancePath:instancePath+"/backends/registration",schemaPath:"#/definitions/backends/properties/registration/type",keyword:"type",params:{type: "string"},schema:schema28.properties.registration.type,parentSchema:schema28.properties.registration,data:data12};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
}
if(data8.work !== undefined && func0.call(data8, "work")){
let data13 = data8.work;
if(typeof data13 !== "string"){
const err20 = {instancePath:instancePath+"/backends/work",schemaPath:"#/definitions/backends/properties/work/type",keyword:"type",params:{type: "string"},schema:schema28.properties.work.type,parentSchema:schema28.properties.work,data:data13};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
}
if(data8.signals !== undefined && func0.call(data8, "signals")){
let data14 = data8.signals;
if(typeof data14 !== "string"){
const err21 = {instancePath:instancePath+"/backends/signals",schemaPath:"#/definitions/backends/properties/signals/type",keyword:"type",params:{type: "string"},schema:schema28.properties.signals.type,parentSchema:schema28.properties.signals,data:data14};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
}
if(data8.sqlite_path !== undefined && func0.call(data8, "sqlite_path")){
let data15 = data8.sqlite_path;
if(typeof data15 !== "string"){
const err22 = {instancePath:instancePath+"/backends/sqlite_path",schemaPath:"#/definitions/backends/properties/sqlite_path/type",keyword:"type",params:{type: "string"},schema:schema28.properties.sqlite_path.type,parentSchema:schema28.properties.sqlite_path,data:data15};
if(vErrors === null){
vErrors = [err22];
}
else {
vErrors.push(err22);
}
errors++;
}
}
if(data8.durability !== undefined && func0.call(data8, "durability")){
let data16 = data8.durability;
if(!((data16 === "power-loss") || (data16 === "process-crash"))){
const err23 = {instancePath:instancePath+"/backends/durability",schemaPath:"#/definitions/backends/properties/durability/enum",keyword:"enum",params:{allowedValues: schema28.properties.durability.enum},schema:schema28.properties.durability.enum,parentSchema:schema28.properties.durability,data:data16};
if(vErrors === null){
vErrors = [err23];
}
else {
vErrors.push(err23);
}
errors++;
}
}
}
else {
const err24 = {instancePath:instancePath+"/backends",schemaPath:"#/definitions/backends/type",keyword:"type",params:{type: "object"},schema:schema28.type,parentSchema:schema28,data:data8};
if(vErrors === null){
vErrors = [err24];
}
else {
vErrors.push(err24);
}
errors++;
}
}
if(data.profiles !== undefined && func0.call(data, "profiles")){
let data17 = data.profiles;
if(typeof data17 !== "string"){
const err25 = {instancePath:instancePath+"/profiles",schemaPath:"#/properties/profiles/type",keyword:"type",params:{type: "string"},schema:schema27.properties.profiles.type,parentSchema:schema27.properties.profiles,data:data17};
if(vErrors === null){
vErrors = [err25];
}
else {
vErrors.push(err25);
}
errors++;
}
}
}
else {
const err26 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},schema:schema27.type,parentSchema:schema27,data};
if(vErrors === null){
vErrors = [err26];
}
else {
vErrors.push(err26);
}
errors++;
}
validate22.errors = vErrors;
return errors === 0;
}

const pattern1 = new RegExp("^all$", "u");

function validate11(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if((data.states === undefined) || (!(func0.call(data, "states")))){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "states"},schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
for(const key0 of Object.keys(data)){
if(!(func0.call(schema12.properties, key0))){
const err1 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},schema:false,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
}
if(data.name !== undefined && func0.call(data, "name")){
let data0 = data.name;
if(typeof data0 !== "string"){
const err2 = {instancePath:instancePath+"/name",schemaPath:"#/properties/name/type",keyword:"type",params:{type: "string"},schema:schema12.properties.name.type,parentSchema:schema12.properties.name,data:data0};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
if(data.expression_engine !== undefined && func0.call(data, "expression_engine")){
let data1 = data.expression_engine;
if(!((data1 === "simple") || (data1 === "cel"))){
const err3 = {instancePath:instancePath+"/expression_engine",schemaPath:"#/properties/expression_engine/enum",keyword:"enum",params:{allowedValues: schema12.properties.expression_engine.enum},schema:schema12.properties.expression_engine.enum,parentSchema:schema12.properties.expression_engine,data:data1};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
}
if(data.context !== undefined && func0.call(data, "context")){
let data2 = data.context;
if(!(data2 && typeof data2 == "object" && !Array.isArray(data2))){
const err4 = {instancePath:instancePath+"/context",schemaPath:"#/properties/context/type",keyword:"type",params:{type: "object"},schema:schema12.properties.context.type,parentSchema:schema12.properties.context,data:data2};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
if(data.agents !== undefined && func0.call(data, "agents")){
let data3 = data.agents;
if(data3 && typeof data3 == "object" && !Array.isArray(data3)){
for(const key1 of Object.keys(data3)){
if(!(validate12(data3[key1], {instancePath:instancePath+"/agents/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data3,parentDataProperty:key1,rootData}))){
vErrors = vErrors === null ? validate12.errors : vErrors.concat(validate12.errors);
errors = vErrors.length;
}
}
}
else {
const err5 = {instancePath:instancePath+"/agents",schemaPath:"#/properties/agents/type",keyword:"type",params:{type: "object"},schema:schema12.properties.agents.type,parentSchema:schema12.properties.agents,data:data3};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
}
if(data.machines !== undefined && func0.call(data, "machines")){
let data5 = data.machines;
if(data5 && typeof data5 == "object" && !Array.isArray(data5)){
for(const key2 of Object.keys(data5)){
if(!(validate18(data5[key2], {instancePath:instancePath+"/machines/" + key2.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data5,parentDataProperty:key2,rootData}))){
vErrors = vErrors === null ? validate18.errors : vErrors.concat(validate18.errors);
errors = vErrors.length;
}
}
}
else {
const err6 = {instancePath:instancePath+"/machines",schemaPath:"#/properties/machines/type",keyword:"type",params:{type: "object"},schema:schema12.properties.machines.type,parentSchema:schema12.properties.machines,data:data5};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
if(data.states !== undefined && func0.call(data, "states")){
let data7 = data.states;
if(data7 && typeof data7 == "object" && !Array.isArray(data7)){
for(const key3 of Object.keys(data7)){
if(!(validate20(data7[key3], {instancePath:instancePath+"/states/" + key3.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data7,parentDataProperty:key3,rootData}))){
vErrors = vErrors === null ? validate20.errors : vErrors.concat(validate20.errors);
errors = vErrors.length;
}
}
}
else {
const err7 = {instancePath:instancePath+"/states",schemaPath:"#/properties/states/type",keyword:"type",params:{type: "object"},schema:schema12.properties.states.type,parentSchema:schema12.properties.states,data:data7};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
}
if(data.settings !== undefined && func0.call(data, "settings")){
if(!(validate22(data.settings, {instancePath:instancePath+"/settings",parentData:data,parentDataProperty:"settings",rootData}))){
vErrors = vErrors === null ? validate22.errors : vErrors.concat(validate22.errors);
errors = vErrors.length;
}
}
if(data.persistence !== undefined && func0.call(data, "persistence")){
let data10 = data.persistence;
if(data10 && typeof data10 == "object" && !Array.isArray(data10)){
for(const key4 of Object.keys(data10)){
if(!(((((key4 === "enabled") || (key4 === "backend")) || (key4 === "db_path")) || (key4 === "checkpoint_on")) || (key4 === "keep"))){
const err8 = {instancePath:instancePath+"/persistence",schemaPath:"#/definitions/persistence/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key4},schema:false,parentSchema:schema29,data:data10};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
}
if(data10.enabled !== undefined && func0.call(data10, "enabled")){
let data11 = data10.enabled;
if(typeof data11 !== "boolean"){
const err9 = {instancePath:instancePath+"/persistence/enabled",schemaPath:"#/definitions/persistence/properties/enabled/type",keyword:"type",params:{type: "boolean"},schema:schema29.properties.enabled.type,parentSchema:schema29.properties.enabled,data:data11};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
}
if(data10.backend !== undefined && func0.call(data10, "backend")){
let data12 = data10.backend;
if(typeof data12 !== "string"){
const err10 = {instancePath:instancePath+"/persistence/backend",schemaPath:"#/definitions/persistence/properties/backend/type",keyword:"type",params:{type: "string"},schema:schema29.properties.backend.type,parentSchema:schema29.properties.backend,data:data12};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
}
if(data10.db_path !== undefined && func0.call(data10, "db_path")){
let data13 = data10.db_path;
if(typeof data13 !== "string"){
const err11 = {instancePath:instancePath+"/persistence/db_path",schemaPath:"#/definitions/persistence/properties/db_path/type",keyword:"type",params:{type: "string"},schema:schema29.properties.db_path.type,parentSchema:schema29.properties.db_path,data:data13};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
}
if(data10.checkpoint_on !== undefined && func0.call(data10, "checkpoint_on")){
let data14 = data10.checkpoint_on;
if(Array.isArray(data14)){
const len0 = data14.length;
for(let i0=0; i0<len0; i0++){
let data15 = data14[i0];
if(!(((((((data15 === "machine_start") || (data15 === "state_enter")) || (data15 === "execute")) || (data15 === "state_exit")) || (data15 === "machine_end")) || (data15 === "waiting")) || (data15 === "tool_call"))){
const err12 = {instancePath:instancePath+"/persistence/checkpoint_on/" + i0,schemaPath:"#/definitions/persistence/properties/checkpoint_on/items/enum",keyword:"enum",params:{allowedValues: schema29.properties.checkpoint_on.items.enum},schema:schema29.properties.checkpoint_on.items.enum,parentSchema:schema29.properties.checkpoint_on.items,data:data15};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
}
}
else {
const err13 = {instancePath:instancePath+"/persistence/checkpoint_on",schemaPath:"#/definitions/persistence/properties/checkpoint_on/type",keyword:"type",params:{type: "array"},schema:schema29.properties.checkpoint_on.type,parentSchema:schema29.properties.checkpoint_on,data:data14};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
}
if(data10.keep !== undefined && func0.call(data10, "keep")){
let data16 = data10.keep;
if((!(((typeof data16 == "number") && (!(data16 % 1) && !isNaN(data16))) && (isFinite(data16)))) && (typeof data16 !== "string")){
const err14 = {instancePath:instancePath+"/persistence/keep",schemaPath:"#/definitions/persistence/properties/keep/type",keyword:"type",params:{type: schema29.properties.keep.type},schema:schema29.properties.keep.type,parentSchema:schema29.properties.keep,data:data16};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
if((typeof data16 == "number") && (isFinite(data16))){
if(data16 < 1 || isNaN(data16)){
const err15 = {instancePath:instancePath+"/persistence/keep",schemaPath:"#/definitions/persistence/properties/keep/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},schema:1,parentSchema:schema29.properties.keep,data:data16};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
}
if(typeof data16 === "string"){
if(!pattern1.test(data16)){
const err16 = {instancePath:instancePath+"/persistence/keep",schemaPath:"#/definitions/persistence/properties/keep/pattern",keyword:"pattern",params:{pattern: "^all$"},schema:"^all$",parentSchema:schema29.properties.keep,data:data16};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
}
}
}
else {
const err17 = {instancePath:instancePath+"/persistence",schemaPath:"#/definitions/persistence/type",keyword:"type",params:{type: "object"},schema:schema29.type,parentSchema:schema29,data:data10};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
}
if(data.hooks !== undefined && func0.call(data, "hooks")){
let data17 = data.hooks;
if((!data17 || typeof data17 != "object") && (typeof data17 !== "string")){
const err18 = {instancePath:instancePath+"/hooks",schemaPath:"#/definitions/hooks/type",keyword:"type",params:{type: schema26.type},schema:schema26.type,parentSchema:schema26,data:data17};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
if(Array.isArray(data17)){
const len1 = data17.length;
for(let i1=0; i1<len1; i1++){
let data18 = data17[i1];
if((typeof data18 !== "string") && (!(data18 && typeof data18 == "object" && !Array.isArray(data18)))){
const err19 = {instancePath:instancePath+"/hooks/" + i1,schemaPath:"#/definitions/hooks/items/type",keyword:"type",params:{type: schema26.items.type},schema:schema26.items.type,parentSchema:schema26.items,data:data18};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
if(data18 && typeof data18 == "object" && !Array.isArray(data18)){
for(const key5 of Object.keys(data18)){
if(!(((((key5 === "name") || (key5 === "file")) || (key5 === "module")) || (key5 === "class")) || (key5 === "args"))){
const err20 = {instancePath:instancePath+"/hooks/" + i1,schemaPath:"#/definitions/hooks/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key5},schema:false,parentSchema:schema26.items,data:data18};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
}
if(data18.name !== undefined && func0.call(data18, "name")){
let data19 = data18.name;
if(typeof data19 !== "string"){
const err21 = {instancePath:instancePath+"/hooks/" + i1+"/name",schemaPath:"#/definitions/hooks/items/properties/name/type",keyword:"type",params:{type: "string"},schema:schema26.items.properties.name.type,parentSchema:schema26.items.properties.name,data:data19};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
}
if(data18.file !== undefined && func0.call(data18, "file")){
let data20 = data18.file;
if(typeof data20 !== "string"){
const err22 = {instancePath:instancePath+"/hooks/" + i1+"/file",schemaPath:"#/definitions/hooks/items/properties/file/type",keyword:"type",params:{type: "string"},schema:schema26.items.properties.file.type,parentSchema:schema26.items.properties.file,data:data20};
if(vErrors === null){
vErrors = [err22];
}
else {
vErrors.push(err22);
}
errors++;
}
}
if(data18.module !== undefined && func0.call(data18, "module")){
let data21 = data18.module;
if(typeof data21 !== "string"){
const err23 = {instancePath:instancePath+"/hooks/" + i1+"/module",schemaPath:"#/definitions/hooks/items/properties/module/type",keyword:"type",params:{type: "string"},schema:schema26.items.properties.module.type,parentSchema:schema26.items.properties.module,data:data21};
if(vErrors === null){
vErrors = [err23];
}
else {
vErrors.push(err23);
}
errors++;
}
}
if(data18.class !== undefined && func0.call(data18, "class")){
let data22 = data18.class;
if(typeof data22 !== "string"){
const err24 = {instancePath:instancePath+"/hooks/" + i1+"/class",schemaPath:"#/definitions/hooks/items/properties/class/type",keyword:"type",params:{type: "string"},schema:schema26.items.properties.class.type,parentSchema:schema26.items.properties.class,data:data22};
if(vErrors === null){
vErrors = [err24];
}
else {
vErrors.push(err24);
}
errors++;
}
}
if(data18.args !== undefined && func0.call(data18, "args")){
let data23 = data18.args;
if(!(data23 && typeof data23 == "object" && !Array.isArray(data23))){
const err25 = {instancePath:instancePath+"/hooks/" + i1+"/args",schemaPath:"#/definitions/hooks/items/properties/args/type",keyword:"type",params:{type: "object"},schema:schema26.items.properties.args.type,parentSchema:schema26.items.properties.args,data:data23};
if(vErrors === null){
vErrors = [err25];
}
else {
vErrors.push(err25);
}
errors++;
}
}
}
}
}
if(data17 && typeof data17 == "object" && !Array.isArray(data17)){
for(const key6 of Object.keys(data17)){
if(!(((((key6 === "name") || (key6 === "file")) || (key6 === "module")) || (key6 === "class")) || (key6 === "args"))){
const err26 = {instancePath:instancePath+"/hooks",schemaPath:"#/definitions/hooks/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key6},schema:false,parentSchema:schema26,data:data17};
if(vErrors === null){
vErrors = [err26];
}
else {
vErrors.push(err26);
}
errors++;
}
}
if(data17.name !== undefined && func0.call(data17, "name")){
let data24 = data17.name;
if(typeof data24 !== "string"){
const err27 = {instancePath:instancePath+"/hooks/name",schemaPath:"#/definitions/hooks/properties/name/type",keyword:"type",params:{type: "string"},schema:schema26.properties.name.type,parentSchema:schema26.properties.name,data:data24};
if(vErrors === null){
vErrors = [err27];
}
else {
vErrors.push(err27);
}
errors++;
}
}
if(data17.file !== undefined && func0.call(data17, "file")){
let data25 = data17.file;
if(typeof data25 !== "string"){
const err28 = {instancePath:instancePath+"/hooks/file",schemaPath:"#/definitions/hooks/properties/file/type",keyword:"type",params:{type: "string"},schema:schema26.properties.file.type,parentSchema:schema26.properties.file,data:data25};
if(vErrors === null){
vErrors = [err28];
}
else {
vErrors.push(err28);
}
errors++;
}
}
if(data17.module !== undefined && func0.call(data17, "module")){
let data26 = data17.module;
if(typeof data26 !== "string"){
const err29 = {instancePath:instancePath+"/hooks/module",schemaPath:"#/definitions/hooks/properties/module/type",keyword:"type",params:{type: "string"},schema:schema26.properties.module.type,parentSchema:schema26.properties.module,data:data26};
if(vErrors === null){
vErrors = [err29];
}
else {
vErrors.push(err29);
}
errors++;
}
}
if(data17.class !== undefined && func0.call(data17, "class")){
let data27 = data17.class;
if(typeof data27 !== "string"){
const err30 = {instancePath:instancePath+"/hooks/class",schemaPath:"#/definitions/hooks/properties/class/type",keyword:"type",params:{type: "string"},schema:schema26.properties.class.type,parentSchema:schema26.properties.class,data:data27};
if(vErrors === null){
vErrors = [err30];
}
else {
vErrors.push(err30);
}
errors++;
}
}
if(data17.args !== undefined && func0.call(data17, "args")){
let data28 = data17.args;
if(!(data28 && typeof data28 == "object" && !Array.isArray(data28))){
const err31 = {instancePath:instancePath+"/hooks/args",schemaPath:"#/definitions/hooks/properties/args/type",keyword:"type",params:{type: "object"},schema:schema26.properties.args.type,parentSchema:schema26.properties.args,data:data28};
if(vErrors === null){
vErrors = [err31];
}
else {
vErrors.push(err31);
}
errors++;
}
}
}
}
if(data.lifecycle_hooks !== undefined && func0.call(data, "lifecycle_hooks")){
let data29 = data.lifecycle_hooks;
if((!data29 || typeof data29 != "object") && (typeof data29 !== "string")){
const err32 = {instancePath:instancePath+"/lifecycle_hooks",schemaPath:"#/definitions/hooks/type",keyword:"type",params:{type: schema26.type},schema:schema26.type,parentSchema:schema26,data:data29};
if(vErrors === null){
vErrors = [err32];
}
else {
vErrors.push(err32);
}
errors++;
}
if(Array.isArray(data29)){
const len2 = data29.length;
for(let i2=0; i2<len2; i2++){
let data30 = data29[i2];
if((typeof data30 !== "string") && (!(data30 && typeof data30 == "object" && !Array.isArray(data30)))){
const err33 = {instancePath:instancePath+"/lifecycle_hooks/" + i2,schemaPath:"#/definitions/hooks/items/type",keyword:"type",params:{type: schema26.items.type},schema:schema26.items.type,parentSchema:schema26.items,data:data30};
if(vErrors === null){
vErrors = [err33];
}
else {
vErrors.push(err33);
}
errors++;
}
if(data30 && typeof data30 == "object" && !Array.isArray(data30)){
for(const key7 of Object.keys(data30)){
if(!(((((key7 === "name") || (key7 === "file")) || (key7 === "module")) || (key7 === "class")) || (key7 === "args"))){
const err34 = {instancePath:instancePath+"/lifecycle_hooks/" + i2,schemaPath:"#/definitions/hooks/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key7},schema:false,parentSchema:schema26.items,data:data30};
if(vErrors === null){
vErrors = [err34];
}
else {
vErrors.push(err34);
}
errors++;
}
}
if(data30.name !== undefined && func0.call(data30, "name")){
let data31 = data30.name;
if(typeof data31 !== "string"){
const err35 = {instancePath:instancePath+"/lifecycle_hooks/" + i2+"/name",schemaPath:"#/definitions/hooks/items/properties/name/type",keyword:"type",params:{type: "string"},schema:schema26.items.properties.name.type,parentSchema:schema26.items.properties.name,data:data31};
if(vErrors === null){
vErrors = [err35];
}
else {
vErrors.push(err35);
}
errors++;
}
}
if(data30.file !== undefined && func0.call(data30, "file")){
let data32 = data30.file;
if(typeof data32 !== "string"){
const err36 = {instancePath:instancePath+"/lifecycle_hooks/" + i2+"/file",schemaPath:"#/definitions/hooks/items/properties/file/type",keyword:"type",params:{type: "string"},schema:schema26.items.properties.file.type,parentSchema:schema26.items.properties.file,data:data32};
if(vErrors === null){
vErrors = [err36];
}
else {
vErrors.push(err36);
}
errors++;
}
}
if(data30.module !== undefined && func0.call(data30, "module")){
let data33 = data30.module;
if(typeof data33 !== "string"){
const err37 = {instancePath:instancePath+"/lifecycle_hooks/" + i2+"/module",schemaPath:"#/definitions/hooks/items/properties/module/type",keyword:"type",params:{type: "string"},schema:schema26.items.properties.module.type,parentSchema:schema26.items.properties.module,data:data33};
if(vErrors === null){
vErrors = [err37];
}
else {
vErrors.push(err37);
}
errors++;
}
}
if(data30.class !== undefined && func0.call(data30, "class")){
let data34 = data30.class;
if(typeof data34 !== "string"){
const err38 = {instancePath:instancePath+"/lifecycle_hooks/" + i2+"/class",schemaPath:"#/definitions/hooks/items/properties/class/type",keyword:"type",params:{type: "string"},schema:schema26.items.properties.class.type,parentSchema:schema26.items.properties.class,data:data34};
if(vErrors === null){
vErrors = [err38];
}
else {
vErrors.push(err38);
}
errors++;
}
}
if(data30.args !== undefined && func0.call(data30, "args")){
let data35 = data30.args;
if(!(data35 && typeof data35 == "object" && !Array.isArray(data35))){
const err39 = {instancePath:instancePath+"/lifecycle_hooks/" + i2+"/args",schemaPath:"#/definitions/hooks/items/properties/args/type",keyword:"type",params:{type: "object"},schema:schema26.items.properties.args.type,parentSchema:schema26.items.properties.args,data:data35};
if(vErrors === null){
vErrors = [err39];
}
else {
vErrors.push(err39);
}
errors++;
}
}
}
}
}
if(data29 && typeof data29 == "object" && !Array.isArray(data29)){
for(const key8 of Object.keys(data29)){
if(!(((((key8 === "name") || (key8 === "file")) || (key8 === "module")) || (key8 === "class")) || (key8 === "args"))){
const err40 = {instancePath:instancePath+"/lifecycle_hooks",schemaPath:"#/definitions/hooks/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key8},schema:false,parentSchema:schema26,data:data29};
if(vErrors === null){
vErrors = [err40];
}
else {
vErrors.push(err40);
}
errors++;
}
}
if(data29.name !== undefined && func0.call(data29, "name")){
let data36 = data29.name;
if(typeof data36 !== "string"){
const err41 = {instancePath:instancePath+"/lifecycle_hooks/name",schemaPath:"#/definitions/hooks/properties/name/type",keyword:"type",params:{type: "string"},schema:schema26.properties.name.type,parentSchema:schema26.properties.name,data:data36};
if(vErrors === null){
vErrors = [err41];
}
else {
vErrors.push(err41);
}
errors++;
}
}
if(data29.file !== undefined && func0.call(data29, "file")){
let data37 = data29.file;
if(typeof data37 !== "string"){
const err42 = {instancePath:instancePath+"/lifecycle_hooks/file",schemaPath:"#/definitions/hooks/properties/file/type",keyword:"type",params:{type: "string"},schema:schema26.properties.file.type,parentSchema:schema26.properties.file,data:data37};
if(vErrors === null){
vErrors = [err42];
}
else {
vErrors.push(err42);
}
errors++;
}
}
if(data29.module !== undefined && func0.call(data29, "module")){
let data38 = data29.module;
if(typeof data38 !== "string"){
const err43 = {instancePath:instancePath+"/lifecycle_hooks/module",schemaPath:"#/definitions/hooks/properties/module/type",keyword:"type",params:{type: "string"},schema:schema26.properties.module.type,parentSchema:schema26.properties.module,data:data38};
if(vErrors === null){
vErrors = [err43];
}
else {
vErrors.push(err43);
}
errors++;
}
}
if(data29.class !== undefined && func0.call(data29, "class")){
let data39 = data29.class;
if(typeof data39 !== "string"){
const err44 = {instancePath:instancePath+"/lifecycle_hooks/class",schemaPath:"#/definitions/hooks/properties/class/type",keyword:"type",params:{type: "string"},schema:schema26.properties.class.type,parentSchema:schema26.properties.class,data:data39};
if(vErrors === null){
vErrors = [err44];
}
else {
vErrors.push(err44);
}
errors++;
}
}
if(data29.args !== undefined && func0.call(data29, "args")){
let data40 = data29.args;
if(!(data40 && typeof data40 == "object" && !Array.isArray(data40))){
const err45 = {instancePath:instancePath+"/lifecycle_hooks/args",schemaPath:"#/definitions/hooks/properties/args/type",keyword:"type",params:{type: "object"},schema:schema26.properties.args.type,parentSchema:schema26.properties.args,data:data40};
if(vErrors === null){
vErrors = [err45];
}
else {
vErrors.push(err45);
}
errors++;
}
}
}
}
if(data.profiles !== undefined && func0.call(data, "profiles")){
let data41 = data.profiles;
if((typeof data41 !== "string") && (!(data41 && typeof data41 == "object" && !Array.isArray(data41)))){
const err46 = {instancePath:instancePath+"/profiles",schemaPath:"#/properties/profiles/type",keyword:"type",params:{type: schema12.properties.profiles.type},schema:schema12.properties.profiles.type,parentSchema:schema12.properties.profiles,data:data41};
if(vErrors === null){
vErrors = [err46];
}
else {
vErrors.push(err46);
}
errors++;
}
}
}
else {
const err47 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},schema:schema12.type,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err47];
}
else {
vErrors.push(err47);
}
errors++;
}
validate11.errors = vErrors;
return errors === 0;
}


function validate10(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
/*# sourceURL="https://unpkg.com/flatmachine/schemas/flatmachine.schema.json" */;
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if((data.spec === undefined) || (!(func0.call(data, "spec")))){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "spec"},schema:schema11.required,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
if((data.data === undefined) || (!(func0.call(data, "data")))){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "data"},schema:schema11.required,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
for(const key0 of Object.keys(data)){
if(!(((((key0 === "$schema") || (key0 === "spec")) || (key0 === "spec_version")) || (key0 === "data")) || (key0 === "metadata"))){
const err2 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},schema:false,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
if(data.$schema !== undefined && func0.call(data, "$schema")){
let data0 = data.$schema;
if(typeof data0 !== "string"){
const err3 = {instancePath:instancePath+"/$schema",schemaPath:"#/properties/%24schema/type",keyword:"type",params:{type: "string"},schema:schema11.properties.$schema.type,parentSchema:schema11.properties.$schema,data:data0};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
}
if(data.spec !== undefined && func0.call(data, "spec")){
let data1 = data.spec;
if("flatmachine" !== data1){
const err4 = {instancePath:instancePath+"/spec",schemaPath:"#/properties/spec/const",keyword:"const",params:{allowedValue: "flatmachine"},schema:"flatmachine",parentSchema:schema11.properties.spec,data:data1};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
if(data.spec_version !== undefined && func0.call(data, "spec_version")){
let data2 = data.spec_version;
if(typeof data2 !== "string"){
const err5 = {instancePath:instancePath+"/spec_version",schemaPath:"#/properties/spec_version/type",keyword:"type",params:{type: "string"},schema:schema11.properties.spec_version.type,parentSchema:schema11.properties.spec_version,data:data2};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
}
if(data.data !== undefined && func0.call(data, "data")){
if(!(validate11(data.data, {instancePath:instancePath+"/data",parentData:data,parentDataProperty:"data",rootData}))){
vErrors = vErrors === null ? validate11.errors : vErrors.concat(validate11.errors);
errors = vErrors.length;
}
}
if(data.metadata !== undefined && func0.call(data, "metadata")){
let data4 = data.metadata;
if(!(data4 && typeof data4 == "object" && !Array.isArray(data4))){
const err6 = {instancePath:instancePath+"/metadata",schemaPath:"#/properties/metadata/type",keyword:"type",params:{type: "object"},schema:schema11.properties.metadata.type,parentSchema:schema11.properties.metadata,data:data4};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
}
else {
const err7 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},schema:schema11.type,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
validate10.errors = vErrors;
return errors === 0;
}

export const validateAgent = validate13;

export const validateProfiles = validate25;
const schema32 = {"$schema":"http://json-schema.org/draft-07/schema#","$id":"https://unpkg.com/flatmachine/schemas/flatprofile.schema.json","type":"object","required":["spec","data"],"additionalProperties":false,"properties":{"$schema":{"type":"string"},"spec":{"enum":["flatprofile","flatprofiles"]},"spec_version":{"type":"string"},"data":{"type":"object","required":["model_profiles"],"additionalProperties":false,"properties":{"model_profiles":{"type":"object","additionalProperties":{"$ref":"#/definitions/profile"}},"default":{"type":"string"},"override":{"type":"string"}}},"metadata":{"type":"object"}},"definitions":{"profile":{"type":"object","properties":{"type":{"type":"string"},"name":{"type":"string"},"provider":{"type":"string"},"model":{"type":["string","object"]},"temperature":{"type":"number","minimum":0},"max_tokens":{"type":"integer","minimum":1},"top_p":{"type":"number"},"top_k":{"type":"integer"},"frequency_penalty":{"type":"number"},"presence_penalty":{"type":"number"},"seed":{"type":"integer"},"base_url":{"type":"string"},"stream":{"type":"boolean"}}}}};
const schema33 = {"type":"object","properties":{"type":{"type":"string"},"name":{"type":"string"},"provider":{"type":"string"},"model":{"type":["string","object"]},"temperature":{"type":"number","minimum":0},"max_tokens":{"type":"integer","minimum":1},"top_p":{"type":"number"},"top_k":{"type":"integer"},"frequency_penalty":{"type":"number"},"presence_penalty":{"type":"number"},"seed":{"type":"integer"},"base_url":{"type":"string"},"stream":{"type":"boolean"}}};

function validate25(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
/*# sourceURL="https://unpkg.com/flatmachine/schemas/flatprofile.schema.json" */;
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if((data.spec === undefined) || (!(func0.call(data, "spec")))){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "spec"},schema:schema32.required,parentSchema:schema32,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
if((data.data === undefined) || (!(func0.call(data, "data")))){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "data"},schema:schema32.required,parentSchema:schema32,data};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
for(const key0 of Object.keys(data)){
if(!(((((key0 === "$schema") || (key0 === "spec")) || (key0 === "spec_version")) || (key0 === "data")) || (key0 === "metadata"))){
const err2 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},schema:false,parentSchema:schema32,data};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
if(data.$schema !== undefined && func0.call(data, "$schema")){
let data0 = data.$schema;
if(typeof data0 !== "string"){
const err3 = {instancePath:instancePath+"/$schema",schemaPath:"#/properties/%24schema/type",keyword:"type",params:{type: "string"},schema:schema32.properties.$schema.type,parentSchema:schema32.properties.$schema,data:data0};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
}
if(data.spec !== undefined && func0.call(data, "spec")){
let data1 = data.spec;
if(!((data1 === "flatprofile") || (data1 === "flatprofiles"))){
const err4 = {instancePath:instancePath+"/spec",schemaPath:"#/properties/spec/enum",keyword:"enum",params:{allowedValues: schema32.properties.spec.enum},schema:schema32.properties.spec.enum,parentSchema:schema32.properties.spec,data:data1};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
if(data.spec_version !== undefined && func0.call(data, "spec_version")){
let data2 = data.spec_version;
if(typeof data2 !== "string"){
const err5 = {instancePath:instancePath+"/spec_version",schemaPath:"#/properties/spec_version/type",keyword:"type",params:{type: "string"},schema:schema32.properties.spec_version.type,parentSchema:schema32.properties.spec_version,data:data2};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
}
if(data.data !== undefined && func0.call(data, "data")){
let data3 = data.data;
if(data3 && typeof data3 == "object" && !Array.isArray(data3)){
if((data3.model_profiles === undefined) || (!(func0.call(data3, "model_profiles")))){
const err6 = {instancePath:instancePath+"/data",schemaPath:"#/properties/data/required",keyword:"required",params:{missingProperty: "model_profiles"},schema:schema32.properties.data.required,parentSchema:schema32.properties.data,data:data3};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
for(const key1 of Object.keys(data3)){
if(!(((key1 === "model_profiles") || (key1 === "default")) || (key1 === "override"))){
const err7 = {instancePath:instancePath+"/data",schemaPath:"#/properties/data/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1},schema:false,parentSchema:schema32.properties.data,data:data3};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
}
if(data3.model_profiles !== undefined && func0.call(data3, "model_profiles")){
let data4 = data3.model_profiles;
if(data4 && typeof data4 == "object" && !Array.isArray(data4)){
for(const key2 of Object.keys(data4)){
let data5 = data4[key2];
if(data5 && typeof data5 == "object" && !Array.isArray(data5)){
if(data5.type !== undefined && func0.call(data5, "type")){
let data6 = data5.type;
if(typeof data6 !== "string"){
const err8 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/type",schemaPath:"#/definitions/profile/properties/type/type",keyword:"type",params:{type: "string"},schema:schema33.properties.type.type,parentSchema:schema33.properties.type,data:data6};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
}
if(data5.name !== undefined && func0.call(data5, "name")){
let data7 = data5.name;
if(typeof data7 !== "string"){
const err9 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/name",schemaPath:"#/definitions/profile/properties/name/type",keyword:"type",params:{type: "string"},schema:schema33.properties.name.type,parentSchema:schema33.properties.name,data:data7};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
}
if(data5.provider !== undefined && func0.call(data5, "provider")){
let data8 = data5.provider;
if(typeof data8 !== "string"){
const err10 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/provider",schemaPath:"#/definitions/profile/properties/provider/type",keyword:"type",params:{type: "string"},schema:schema33.properties.provider.type,parentSchema:schema33.properties.provider,data:data8};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
}
if(data5.model !== undefined && func0.call(data5, "model")){
let data9 = data5.model;
if((typeof data9 !== "string") && (!(data9 && typeof data9 == "object" && !Array.isArray(data9)))){
const err11 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/model",schemaPath:"#/definitions/profile/properties/model/type",keyword:"type",params:{type: schema33.properties.model.type},schema:schema33.properties.model.type,parentSchema:schema33.properties.model,data:data9};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
}
if(data5.temperature !== undefined && func0.call(data5, "temperature")){
let data10 = data5.temperature;
if((typeof data10 == "number") && (isFinite(data10))){
if(data10 < 0 || isNaN(data10)){
const err12 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/temperature",schemaPath:"#/definitions/profile/properties/temperature/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},schema:0,parentSchema:schema33.properties.temperature,data:data10};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
}
else {
const err13 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/temperature",schemaPath:"#/definitions/profile/properties/temperature/type",keyword:"type",params:{type: "number"},schema:schema33.properties.temperature.type,parentSchema:schema33.properties.temperature,data:data10};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
}
if(data5.max_tokens !== undefined && func0.call(data5, "max_tokens")){
let data11 = data5.max_tokens;
if(!(((typeof data11 == "number") && (!(data11 % 1) && !isNaN(data11))) && (isFinite(data11)))){
const err14 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/max_tokens",schemaPath:"#/definitions/profile/properties/max_tokens/type",keyword:"type",params:{type: "integer"},schema:schema33.properties.max_tokens.type,parentSchema:schema33.properties.max_tokens,data:data11};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
if((typeof data11 == "number") && (isFinite(data11))){
if(data11 < 1 || isNaN(data11)){
const err15 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/max_tokens",schemaPath:"#/definitions/profile/properties/max_tokens/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},schema:1,parentSchema:schema33.properties.max_tokens,data:data11};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
}
}
if(data5.top_p !== undefined && func0.call(data5, "top_p")){
let data12 = data5.top_p;
if(!((typeof data12 == "number") && (isFinite(data12)))){
const err16 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/top_p",schemaPath:"#/definitions/profile/properties/top_p/type",keyword:"type",params:{type: "number"},schema:schema33.properties.top_p.type,parentSchema:schema33.properties.top_p,data:data12};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
}
if(data5.top_k !== undefined && func0.call(data5, "top_k")){
let data13 = data5.top_k;
if(!(((typeof data13 == "number") && (!(data13 % 1) && !isNaN(data13))) && (isFinite(data13)))){
const err17 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/top_k",schemaPath:"#/definitions/profile/properties/top_k/type",keyword:"type",params:{type: "integer"},schema:schema33.properties.top_k.type,parentSchema:schema33.properties.top_k,data:data13};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
}
if(data5.frequency_penalty !== undefined && func0.call(data5, "frequency_penalty")){
let data14 = data5.frequency_penalty;
if(!((typeof data14 == "number") && (isFinite(data14)))){
const err18 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/frequency_penalty",schemaPath:"#/definitions/profile/properties/frequency_penalty/type",keyword:"type",params:{type: "number"},schema:schema33.properties.frequency_penalty.type,parentSchema:schema33.properties.frequency_penalty,data:data14};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
}
if(data5.presence_penalty !== undefined && func0.call(data5, "presence_penalty")){
let data15 = data5.presence_penalty;
if(!((typeof data15 == "number") && (isFinite(data15)))){
const err19 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/presence_penalty",schemaPath:"#/definitions/profile/properties/presence_penalty/type",keyword:"type",params:{type: "number"},schema:schema33.properties.presence_penalty.type,parentSchema:schema33.properties.presence_penalty,data:data15};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
}
if(data5.seed !== undefined && func0.call(data5, "seed")){
let data16 = data5.seed;
if(!(((typeof data16 == "number") && (!(data16 % 1) && !isNaN(data16))) && (isFinite(data16)))){
const err20 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/seed",schemaPath:"#/definitions/profile/properties/seed/type",keyword:"type",params:{type: "integer"},schema:schema33.properties.seed.type,parentSchema:schema33.properties.seed,data:data16};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
}
if(data5.base_url !== undefined && func0.call(data5, "base_url")){
let data17 = data5.base_url;
if(typeof data17 !== "string"){
const err21 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/base_url",schemaPath:"#/definitions/profile/properties/base_url/type",keyword:"type",params:{type: "string"},schema:schema33.properties.base_url.type,parentSchema:schema33.properties.base_url,data:data17};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
}
if(data5.stream !== undefined && func0.call(data5, "stream")){
let data18 = data5.stream;
if(typeof data18 !== "boolean"){
const err22 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/stream",schemaPath:"#/definitions/profile/properties/stream/type",keyword:"type",params:{type: "boolean"},schema:schema33.properties.stream.type,parentSchema:schema33.properties.stream,data:data18};
if(vErrors === null){
vErrors = [err22];
}
else {
vErrors.push(err22);
}
errors++;
}
}
}
else {
const err23 = {instancePath:instancePath+"/data/model_profiles/" + key2.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/definitions/profile/type",keyword:"type",params:{type: "object"},schema:schema33.type,parentSchema:schema33,data:data5};
if(vErrors === null){
vErrors = [err23];
}
else {
vErrors.push(err23);
}
errors++;
}
}
}
else {
const err24 = {instancePath:instancePath+"/data/model_profiles",schemaPath:"#/properties/data/properties/model_profiles/type",keyword:"type",params:{type: "object"},schema:schema32.properties.data.properties.model_profiles.type,parentSchema:schema32.properties.data.properties.model_profiles,data:data4};
if(vErrors === null){
vErrors = [err24];
}
else {
vErrors.push(err24);
}
errors++;
}
}
if(data3.default !== undefined && func0.call(data3, "default")){
let data19 = data3.default;
if(typeof data19 !== "string"){
const err25 = {instancePath:instancePath+"/data/default",schemaPath:"#/properties/data/properties/default/type",keyword:"type",params:{type: "string"},schema:schema32.properties.data.properties.default.type,parentSchema:schema32.properties.data.properties.default,data:data19};
if(vErrors === null){
vErrors = [err25];
}
else {
vErrors.push(err25);
}
errors++;
}
}
if(data3.override !== undefined && func0.call(data3, "override")){
let data20 = data3.override;
if(typeof data20 !== "string"){
const err26 = {instancePath:instancePath+"/data/override",schemaPath:"#/properties/data/properties/override/type",keyword:"type",params:{type: "string"},schema:schema32.properties.data.properties.override.type,parentSchema:schema32.properties.data.properties.override,data:data20};
if(vErrors === null){
vErrors = [err26];
}
else {
vErrors.push(err26);
}
errors++;
}
}
}
else {
const err27 = {instancePath:instancePath+"/data",schemaPath:"#/properties/data/type",keyword:"type",params:{type: "object"},schema:schema32.properties.data.type,parentSchema:schema32.properties.data,data:data3};
if(vErrors === null){
vErrors = [err27];
}
else {
vErrors.push(err27);
}
errors++;
}
}
if(data.metadata !== undefined && func0.call(data, "metadata")){
let data21 = data.metadata;
if(!(data21 && typeof data21 == "object" && !Array.isArray(data21))){
const err28 = {instancePath:instancePath+"/metadata",schemaPath:"#/properties/metadata/type",keyword:"type",params:{type: "object"},schema:schema32.properties.metadata.type,parentSchema:schema32.properties.metadata,data:data21};
if(vErrors === null){
vErrors = [err28];
}
else {
vErrors.push(err28);
}
errors++;
}
}
}
else {
const err29 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},schema:schema32.type,parentSchema:schema32,data};
if(vErrors === null){
vErrors = [err29];
}
else {
vErrors.push(err29);
}
errors++;
}
validate25.errors = vErrors;
return errors === 0;
}
