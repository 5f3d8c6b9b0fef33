// The sums of panel.wgsl by cooperative matrices of 16 x 16.
//#include <common/fragments16.wgsl>
//#include <common/sums_cooperative.wgsl>
