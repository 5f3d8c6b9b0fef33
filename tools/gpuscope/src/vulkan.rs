//! Compute pipelines through bare Vulkan, on a device that need not be there, with the statistics and the assembly that the driver gives of
//! them. wgpu opens no device without hardware. Features, extensions and flags are those that wgpu-hal 30 asks for.

use anyhow::{Context, Result};
use ash::{khr, vk};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};

/// An open device.
pub struct Gpu {
    _entry: ash::Entry,
    device: ash::Device,
    executables: khr::pipeline_executable_properties::Device,
    /// Name and version of the driver.
    pub driver: String,
    /// 64-bit integers, half precision, cooperative matrices.
    pub int64: bool,
    pub f16: bool,
    pub cooperative: bool,
    /// Out-of-bounds accesses to buffers are the driver's to catch.
    pub robust: bool,
    has_subgroups: bool,
}

/// What the driver says of a pipeline it has made.
pub struct Made {
    /// Statistics by the driver's names.
    pub statistics: BTreeMap<String, f64>,
    /// Lanes of a subgroup.
    pub subgroup: u32,
    /// Its assembly, where the driver can print it.
    pub assembly: Option<String>,
}

fn text(chars: &[c_char]) -> String {
    let bytes: Vec<u8> = chars.iter().take_while(|c| **c != 0).map(|c| *c as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What wgpu asks for of what a device has.
struct Asked<'a> {
    robust: vk::PhysicalDeviceRobustness2FeaturesEXT<'a>,
    twelve: vk::PhysicalDeviceVulkan12Features<'a>,
    thirteen: vk::PhysicalDeviceVulkan13Features<'a>,
    base: vk::PhysicalDeviceFeatures,
    cooperative: bool,
}

impl Asked<'_> {
    fn of(instance: &ash::Instance, gpu: vk::PhysicalDevice, extensions: &[String]) -> Self {
        let mut robust = vk::PhysicalDeviceRobustness2FeaturesEXT::default();
        let mut twelve = vk::PhysicalDeviceVulkan12Features::default();
        let mut thirteen = vk::PhysicalDeviceVulkan13Features::default();
        let mut cooperative = vk::PhysicalDeviceCooperativeMatrixFeaturesKHR::default();
        let named = extensions.iter().any(|e| e.as_bytes() == khr::cooperative_matrix::NAME.to_bytes());
        let mut have = vk::PhysicalDeviceFeatures2::default().push_next(&mut robust).push_next(&mut twelve).push_next(&mut thirteen);
        if named {
            have = have.push_next(&mut cooperative);
        }
        // SAFETY: `gpu` is one of `instance`, and the chain lives until the call returns.
        unsafe { instance.get_physical_device_features2(gpu, &mut have) };
        let base = have.features;
        Asked {
            robust: vk::PhysicalDeviceRobustness2FeaturesEXT::default().robust_buffer_access2(robust.robust_buffer_access2 != 0),
            twelve: vk::PhysicalDeviceVulkan12Features::default()
                .shader_float16(twelve.shader_float16 != 0)
                .shader_int8(twelve.shader_int8 != 0)
                .vulkan_memory_model(twelve.vulkan_memory_model != 0)
                .shader_subgroup_extended_types(twelve.shader_subgroup_extended_types != 0)
                .timeline_semaphore(true),
            thirteen: vk::PhysicalDeviceVulkan13Features::default()
                .subgroup_size_control(true)
                .shader_zero_initialize_workgroup_memory(thirteen.shader_zero_initialize_workgroup_memory != 0)
                .maintenance4(true),
            base: vk::PhysicalDeviceFeatures::default()
                .robust_buffer_access(true)
                .shader_int64(base.shader_int64 != 0)
                .shader_int16(base.shader_int16 != 0),
            cooperative: named && cooperative.cooperative_matrix != 0,
        }
    }

    fn open(&mut self, instance: &ash::Instance, gpu: vk::PhysicalDevice) -> Result<ash::Device> {
        let mut statistics = vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default().pipeline_executable_info(true);
        let mut cooperative = vk::PhysicalDeviceCooperativeMatrixFeaturesKHR::default().cooperative_matrix(true);
        let mut names = vec![khr::pipeline_executable_properties::NAME.as_ptr()];
        let robust = self.robust.robust_buffer_access2 != 0;
        if robust {
            names.push(ash::ext::robustness2::NAME.as_ptr());
        }
        if self.cooperative {
            names.push(khr::cooperative_matrix::NAME.as_ptr());
        }
        let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
        let mut info = vk::DeviceCreateInfo::default().queue_create_infos(&queues).enabled_features(&self.base);
        info = info.enabled_extension_names(&names).push_next(&mut self.twelve).push_next(&mut self.thirteen).push_next(&mut statistics);
        if robust {
            info = info.push_next(&mut self.robust);
        }
        if self.cooperative {
            info = info.push_next(&mut cooperative);
        }
        // SAFETY: `gpu` is one of `instance`, and all that `info` points at lives until the call returns.
        unsafe { instance.create_device(gpu, &info, None) }.context("the driver opens no device")
    }
}

impl Gpu {
    /// Opens the first device that the loader finds.
    pub fn open() -> Result<Gpu> {
        // SAFETY: loads the system's Vulkan loader, which is trusted as every program that draws does.
        let entry = unsafe { ash::Entry::load() }.context("no Vulkan loader; on Debian it is the package libvulkan1")?;
        let app = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
        let info = vk::InstanceCreateInfo::default().application_info(&app);
        // SAFETY: `info` and what it points at live until the call returns; `entry` is kept as long as what is made from it.
        let instance = unsafe { entry.create_instance(&info, None) }?;
        // SAFETY: `instance` is valid.
        let gpu = *unsafe { instance.enumerate_physical_devices() }?.first().context("the driver shows no device")?;
        let mut driver = vk::PhysicalDeviceDriverProperties::default();
        let mut eleven = vk::PhysicalDeviceVulkan11Properties::default();
        let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut driver).push_next(&mut eleven);
        // SAFETY: `gpu` is one of `instance`, and the chain lives until the call returns.
        unsafe { instance.get_physical_device_properties2(gpu, &mut properties) };
        // SAFETY: as above.
        let extensions = unsafe { instance.enumerate_device_extension_properties(gpu) }?;
        let extensions: Vec<String> = extensions.iter().map(|e| text(&e.extension_name)).collect();
        let mut asked = Asked::of(&instance, gpu, &extensions);
        let device = asked.open(&instance, gpu)?;
        Ok(Gpu {
            executables: khr::pipeline_executable_properties::Device::new(&instance, &device),
            device,
            driver: format!("{} {}", text(&driver.driver_name), text(&driver.driver_info)),
            int64: asked.base.shader_int64 != 0,
            f16: asked.twelve.shader_float16 != 0,
            cooperative: asked.cooperative,
            robust: asked.robust.robust_buffer_access2 != 0,
            has_subgroups: eleven.subgroup_size > 0,
            _entry: entry,
        })
    }

    /// The pipeline of `entry`: SPIR-V, and for each binding its number and whether it is uniform.
    ///
    /// # Errors
    /// The driver refuses it.
    pub fn pipeline(&self, words: &[u32], entry: &str, bindings: &[(u32, bool)]) -> Result<Made> {
        let bindings: Vec<_> = bindings
            .iter()
            .map(|&(binding, uniform)| {
                let ty = if uniform { vk::DescriptorType::UNIFORM_BUFFER } else { vk::DescriptorType::STORAGE_BUFFER };
                let binding = vk::DescriptorSetLayoutBinding::default().binding(binding).descriptor_type(ty);
                binding.descriptor_count(1).stage_flags(vk::ShaderStageFlags::COMPUTE)
            })
            .collect();
        let entry = CString::new(entry)?;
        // SAFETY: the SPIR-V is naga's, whose validator has passed the module; every structure lives until its call returns, and every object
        // is destroyed once, after its last use.
        unsafe {
            let d = &self.device;
            let layout = d.create_descriptor_set_layout(&vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings), None)?;
            let all = d.create_pipeline_layout(&vk::PipelineLayoutCreateInfo::default().set_layouts(&[layout]), None)?;
            let module = d.create_shader_module(&vk::ShaderModuleCreateInfo::default().code(words), None)?;
            let stage = vk::PipelineShaderStageCreateInfo::default().stage(vk::ShaderStageFlags::COMPUTE).module(module).name(&entry);
            let varying = vk::PipelineShaderStageCreateFlags::ALLOW_VARYING_SUBGROUP_SIZE;
            let stage = if self.has_subgroups { stage.flags(varying) } else { stage };
            let flags = vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR | vk::PipelineCreateFlags::CAPTURE_INTERNAL_REPRESENTATIONS_KHR;
            let infos = [vk::ComputePipelineCreateInfo::default().flags(flags).stage(stage).layout(all)];
            let made = d.create_compute_pipelines(vk::PipelineCache::null(), &infos, None);
            d.destroy_shader_module(module, None);
            let pipeline = made.map_err(|(_, e)| e).context("the driver makes no pipeline")?[0];
            let said = self.said(pipeline);
            d.destroy_pipeline(pipeline, None);
            d.destroy_pipeline_layout(all, None);
            d.destroy_descriptor_set_layout(layout, None);
            said
        }
    }

    /// # Safety
    /// `pipeline` is alive and was made to capture statistics and representations.
    unsafe fn said(&self, pipeline: vk::Pipeline) -> Result<Made> {
        let info = vk::PipelineInfoKHR::default().pipeline(pipeline);
        let which = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline);
        // SAFETY: the caller's promise; a compute pipeline has one executable.
        let (executables, found) = unsafe {
            (self.executables.get_pipeline_executable_properties(&info)?, self.executables.get_pipeline_executable_statistics(&which)?)
        };
        let value = |s: &vk::PipelineExecutableStatisticKHR| {
            // SAFETY: `format` says which member of the union was written.
            unsafe {
                match s.format {
                    vk::PipelineExecutableStatisticFormatKHR::BOOL32 => f64::from(s.value.b32),
                    vk::PipelineExecutableStatisticFormatKHR::INT64 => s.value.i64 as f64,
                    vk::PipelineExecutableStatisticFormatKHR::UINT64 => s.value.u64 as f64,
                    _ => s.value.f64,
                }
            }
        };
        let statistics = found.iter().map(|s| (text(&s.name), value(s))).collect();
        let subgroup = executables.first().map_or(0, |e| e.subgroup_size);
        // SAFETY: the caller's promise.
        Ok(Made { statistics, subgroup, assembly: unsafe { self.assembly(&which) }? })
    }

    /// # Safety
    /// As [`Gpu::said`].
    unsafe fn assembly(&self, which: &vk::PipelineExecutableInfoKHR<'_>) -> Result<Option<String>> {
        // SAFETY: the caller's promise. The second call fills buffers of the sizes that the first one asked for.
        let (all, buffers) = unsafe {
            let mut all = self.executables.get_pipeline_executable_internal_representations(which)?;
            let mut buffers: Vec<Vec<u8>> = all.iter().map(|r| vec![0; r.data_size]).collect();
            all.iter_mut().zip(&mut buffers).for_each(|(r, b)| r.p_data = b.as_mut_ptr().cast());
            let fill = self.executables.fp().get_pipeline_executable_internal_representations_khr;
            fill(self.device.handle(), which, &mut (all.len() as u32), all.as_mut_ptr()).result()?;
            (all, buffers)
        };
        let read = |b: &Vec<u8>| {
            CStr::from_bytes_until_nul(b).map_or_else(|_| String::from_utf8_lossy(b).into_owned(), |s| s.to_string_lossy().into_owned())
        };
        let named = all.iter().zip(&buffers).find(|(r, _)| text(&r.name).contains("Assembly"));
        Ok(named.map(|(_, b)| read(b)).filter(|s| s.contains("s_endpgm")))
    }
}
