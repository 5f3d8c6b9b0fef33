// The tile of tile0.wgsl by cooperative matrices of 16 x 16.
//#include <common/fragments16.wgsl>
//#include <common/tile_cooperative.wgsl>
