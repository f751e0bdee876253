export { compileCel } from './cel.ts';
export { prepareCel } from './cel-environment.ts';
export { compileCondition, type ExpressionEngine } from './condition.ts';
export { type References, references } from './references.ts';
export { compileSimple } from './simple.ts';
export { compileTemplate, compileValue, isBarePath, isTemplate, type TemplateMode } from './template.ts';
